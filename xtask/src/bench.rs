//! `cargo xtask bench`: the numbers of the release build, with a bare twin beside each, as one table
//! and as a report in `docs/reports`.
//!
//! Builds as `run --release` does, then the driver (`server/benches`), which starts the server on a
//! database of its own in `target/bench`. `cargo xtask bench signalr` builds and measures the SignalR
//! crate alone, which takes neither. Fails only when something cannot be measured.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::command::{cargo, command, output, run};
use crate::place;
use crate::setup::Tools;
use crate::site::{self, Profile};
use crate::step::{Outcome, note, step};

/// What the driver knows, in its order.
const ROWS: [&str; 10] = [
    "start",
    "pages",
    "latency",
    "throughput",
    "acks",
    "foreign",
    "push",
    "crowd",
    "memory",
    "bundle",
];

/// The same of the other suite.
const SIGNALR_ROWS: [&str; 5] = ["round-trip", "calls", "idle", "negotiate", "broadcast"];

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Bench {
    #[command(subcommand)]
    suite: Option<Suite>,
    /// Measure what was built last; the report then names today's commit all the same
    #[arg(long)]
    no_build: bool,
    /// Publish beside a generated backlog of ten million deliveries: some minutes and 6 GB; with rows, after them
    #[arg(long)]
    big: bool,
    /// Only these rows [default: all]
    #[arg(value_parser = ROWS)]
    rows: Vec<String>,
}

#[derive(Subcommand)]
enum Suite {
    /// The SignalR crate by itself, beside a bare axum WebSocket
    Signalr {
        /// Short runs: to see whether it works, not for the record; writes no report
        #[arg(long)]
        quick: bool,
        /// Only these rows [default: all]
        #[arg(value_parser = SIGNALR_ROWS)]
        rows: Vec<String>,
    },
}

impl Bench {
    pub(crate) fn run(self) -> Result<()> {
        match self.suite {
            None => self.product(),
            Some(Suite::Signalr { quick, rows }) => signalr(quick, &rows),
        }
    }

    fn product(self) -> Result<()> {
        let tools = Tools::install()?;
        if !self.no_build {
            site::build(&tools, Profile::Release)?;
        }
        step("Building the driver (release profile)", || {
            run(driver("product").arg("--no-run"))?;
            Ok(Outcome::Done)
        })?;
        // Not the product's own `data/`: it is thrown away each time.
        let data = place::root().join("target/bench/data");
        let postgres = match std::env::var_os("BELLHOP_PG_BIN") {
            Some(bin) => bin.into(),
            None => tools.npm.postgres()?,
        };
        note(QUIET);
        step("Measuring", || {
            std::fs::create_dir_all(&data)?;
            run(driver("product")
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
                .arg(reports())
                .args(["--commit", &commit()?])
                .args(self.rows)
                .args(self.big.then_some("big")))
            .context("the numbers could not be taken")?;
            Ok(Outcome::Done)
        })
    }
}

/// Builds without the product, and without a database.
fn signalr(quick: bool, rows: &[String]) -> Result<()> {
    step("Building the driver (release profile)", || {
        run(driver("signalr").arg("--no-run"))?;
        Ok(Outcome::Done)
    })?;
    note(QUIET);
    step("Measuring", || {
        let mut measure = driver("signalr");
        measure.arg("--").args(["--commit", &commit()?]);
        if quick {
            measure.arg("--quick");
        } else {
            measure.arg("--reports").arg(reports());
        }
        run(measure.args(rows)).context("the numbers could not be taken")?;
        Ok(Outcome::Done)
    })
}

const QUIET: &str = "nothing else should run now: the report says how much did";

pub(crate) fn reports() -> PathBuf {
    place::root().join("docs/reports")
}

/// The driver of one suite, which is a feature of its package too.
fn driver(suite: &str) -> std::process::Command {
    let mut bench = cargo();
    bench.args(["bench", "--quiet", "--package", "benches"]);
    bench.args([
        "--no-default-features",
        "--features",
        suite,
        "--bench",
        suite,
    ]);
    bench
}

/// Short name of what is checked out; `-changed` when the tree is not as committed.
pub(crate) fn commit() -> Result<String> {
    let name = output(command("git").args(["rev-parse", "--short", "HEAD"]))?;
    let differs = output(command("git").args(["status", "--porcelain", "--untracked-files=no"]))?;
    let mark = if differs.trim().is_empty() {
        ""
    } else {
        "-changed"
    };
    Ok(format!("{}{mark}", name.trim()))
}
