//! SignalR clients written elsewhere, unmodified, against the `signalr` crate's own programs: no
//! database, no browser. One file a language; each counts the summary of that language's own runner.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::tally::Tally;
use crate::command::{cargo_dev, run};
use crate::place;
use crate::setup::npm;
use crate::step::{Outcome, note, step};

mod java;
mod node;
mod python;

/// All of them; cargo has built the examples with the tests.
pub(super) fn test(packages: &npm::Packages, filter: Option<&str>, slow: bool) -> Result<Tally> {
    let mut tally = node::test(packages, filter)?;
    match python::test(filter)? {
        Some(python) => tally += python,
        None if std::env::var_os("CI").is_some() => {
            bail!("the Python clients cannot run (see above), and in CI nothing is skipped");
        }
        None => note("PYTHON CLIENTS SKIPPED: see above for what is missing"),
    }
    // Only with `--slow`: 2 of 12 runs on a busy machine failed for a reason not found yet. A missing JDK is
    // no failure in CI either, since no other chore needs one.
    if slow {
        match java::test(filter)? {
            Some(java) => tally += java,
            None => note("JAVA CLIENT SKIPPED: see above for what is missing"),
        }
    }
    Ok(tally)
}

/// What they run against, for who builds nothing else.
pub(super) fn build() -> Result<()> {
    step("Compiling the programs for foreign clients", || {
        run(cargo_dev().args(["build", "--package", "signalr", "--examples"]))
            .context("the examples of the crate `signalr`")?;
        Ok(Outcome::Done)
    })
}

/// An example of the crate.
fn example(name: &str) -> PathBuf {
    place::target().join("debug/examples").join(name)
}
