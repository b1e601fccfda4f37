//! `cargo xtask run`: from a clone to a served page.

use std::env;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::command::command;
use crate::place;
use crate::setup::Tools;
use crate::site::{self, Profile};

#[derive(Args)]
pub(crate) struct Run {
    /// Build for speed: slower to build, needed for numbers
    #[arg(long)]
    release: bool,
    /// Port to listen on; the next free one is taken when it is in use
    #[arg(long)]
    port: Option<u16>,
    /// Folder for everything that has to survive [default: data, in the clone]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Throw away the embedded database first
    #[arg(long)]
    reset: bool,
    /// Leave a new database without demo data
    #[arg(long)]
    no_demo: bool,
    /// Once serving, write addresses and credentials to this file (mode 0600); removed on stop
    #[arg(long, value_name = "FILE")]
    ready: Option<PathBuf>,
    /// More arguments for `bellhop serve`
    #[arg(last = true, value_name = "ARGS")]
    more: Vec<String>,
}

impl Run {
    /// Returns only when something failed: the server takes this process over, so that Ctrl-C is its
    /// own to answer and nothing of ours is left behind.
    pub(crate) fn run(self) -> Result<()> {
        let tools = Tools::install()?;
        let profile = if self.release {
            Profile::Release
        } else {
            Profile::Dev
        };
        site::build(&tools, profile)?;

        let here = env::current_dir()?;
        let program = profile.program();
        let mut serve = command(&program.to_string_lossy());
        serve.arg("serve").env("BELLHOP_SITE_ROOT", place::site());
        if env::var_os("DATABASE_URL").is_none() && env::var_os("BELLHOP_PG_BIN").is_none() {
            serve.env("BELLHOP_PG_BIN", tools.npm.postgres()?);
        }
        if let Some(data) = self.data {
            serve.arg("--data").arg(here.join(data));
        }
        if let Some(port) = self.port {
            serve.args(["--port", &port.to_string()]);
        }
        if let Some(ready) = self.ready {
            serve.arg("--ready").arg(here.join(ready));
        }
        if self.reset {
            serve.arg("--reset");
        }
        if self.no_demo {
            serve.arg("--no-demo");
        }
        serve.args(self.more);
        Err(serve.exec()).with_context(|| format!("cannot start {}", program.display()))
    }
}
