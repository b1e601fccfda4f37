//! `cargo xtask bench`: the numbers of the release build, with a bare twin beside each, as one table
//! and as a report in `docs/reports`.
//!
//! Builds as `run --release` does, then the driver (`server/benches`), which starts the server on a
//! database of its own in `target/bench`. Fails only when something cannot be measured.

use anyhow::{Context, Result};
use clap::Args;

use crate::command::{cargo, command, output, run};
use crate::place;
use crate::setup::Tools;
use crate::site::{self, Profile};
use crate::step::{Outcome, note, step};

/// What the driver knows, in its order.
const ROWS: [&str; 6] = [
    "start",
    "pages",
    "latency",
    "throughput",
    "memory",
    "bundle",
];

#[derive(Args)]
pub(crate) struct Bench {
    /// Measure what was built last; the report then names today's commit all the same
    #[arg(long)]
    no_build: bool,
    /// Only these rows [default: all]
    #[arg(value_parser = ROWS)]
    rows: Vec<String>,
}

impl Bench {
    pub(crate) fn run(self) -> Result<()> {
        let tools = Tools::install()?;
        if !self.no_build {
            site::build(&tools, Profile::Release)?;
        }
        step("Building the driver (release profile)", || {
            run(driver().arg("--no-run"))?;
            Ok(Outcome::Done)
        })?;
        // Not the product's own `data/`: it is thrown away each time.
        let data = place::root().join("target/bench/data");
        let postgres = match std::env::var_os("BELLHOP_PG_BIN") {
            Some(bin) => bin.into(),
            None => tools.npm.postgres()?,
        };
        note("nothing else should run now: the report says how much did");
        step("Measuring", || {
            std::fs::create_dir_all(&data)?;
            run(driver()
                .arg("--")
                .arg("--program")
                .arg(Profile::Release.program())
                .arg("--site")
                .arg(place::site())
                .arg("--pg")
                .arg(postgres)
                .arg("--data")
                .arg(&data)
                .arg("--reports")
                .arg(place::root().join("docs/reports"))
                .args(["--commit", &commit()?])
                .args(self.rows))
            .context("the numbers could not be taken")?;
            Ok(Outcome::Done)
        })
    }
}

fn driver() -> std::process::Command {
    let mut bench = cargo();
    bench.args([
        "bench",
        "--quiet",
        "--package",
        "benches",
        "--bench",
        "product",
    ]);
    bench
}

/// Short name of what is checked out; `-changed` when the tree is not as committed.
fn commit() -> Result<String> {
    let name = output(command("git").args(["rev-parse", "--short", "HEAD"]))?;
    let differs = output(command("git").args(["status", "--porcelain", "--untracked-files=no"]))?;
    let mark = if differs.trim().is_empty() {
        ""
    } else {
        "-changed"
    };
    Ok(format!("{}{mark}", name.trim()))
}
