//! `cargo xtask test`: unit, integration and browser tests, on one build and one throw-away database.

use anyhow::{Result, bail};
use clap::Args;

use crate::scratch::Scratch;
use crate::setup::{Tools, npm};
use crate::site;
use crate::step::note;

mod browser;
mod clients;
mod rust;
mod tally;

use tally::Tally;

#[derive(Args, Default)]
pub(crate) struct Test {
    /// Also the slow lanes
    #[arg(long)]
    slow: bool,
    /// Only SignalR clients written elsewhere: no database, no browser
    #[arg(long)]
    clients: bool,
    /// Only tests whose name contains this
    filter: Option<String>,
}

impl Test {
    pub(crate) fn run(self) -> Result<()> {
        let filter = self.filter.as_deref();
        let tally = if self.clients {
            clients::build()?;
            clients::test(&npm::end2end()?, filter, self.slow)?
        } else {
            self.everything(filter)?
        };
        anstream::println!("{tally}");
        if tally.failed > 0 || tally.broken {
            bail!("not all tests passed: the failing ones are named above");
        }
        Ok(())
    }

    fn everything(&self, filter: Option<&str>) -> Result<Tally> {
        let tools = Tools::install()?;
        let database = Scratch::start(&tools.npm)?;
        let mut tally = Tally::default();
        tally += rust::test(&database, filter, self.slow)?;
        let packages = npm::end2end()?;
        tally += clients::test(&packages, filter, self.slow)?;
        match browser::runtime(packages)? {
            Some(browser) => {
                site::build_browser_half(&tools)?;
                tally += browser.run(&database, filter, self.slow)?;
            }
            None if std::env::var_os("CI").is_some() => {
                bail!("the browser tests cannot run (see above), and in CI nothing is skipped");
            }
            None => note("BROWSER TESTS SKIPPED: see above for what is missing"),
        }
        Ok(tally)
    }
}
