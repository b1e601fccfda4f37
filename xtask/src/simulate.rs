//! `cargo xtask simulate`: walks histories of the delivery rules (`server/src/simulation`) on every
//! processor, in the release profile, and writes a report. A failing seed is printed with its history.

use std::fs;

use anyhow::{Context, Result};
use clap::Args;

use crate::bench::{commit, reports};
use crate::command::{cargo, command, output, run};
use crate::step::{Outcome, note, step};

const EXAMPLE: [&str; 7] = [
    "--release",
    "--package",
    "server",
    "--features",
    "app/ssr,testing",
    "--example",
    "simulate",
];

#[derive(Args)]
pub(crate) struct Simulate {
    /// How many
    #[arg(long, default_value_t = 1_000_000)]
    histories: u64,
    /// The first seed; the others follow it [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// Write no report
    #[arg(long)]
    no_report: bool,
}

impl Simulate {
    pub(crate) fn run(self) -> Result<()> {
        let seed = if let Some(seed) = self.seed {
            seed
        } else {
            let seconds = output(command("date").arg("+%s"))?;
            seconds.trim().parse::<u64>()? << 20
        };
        step("Building the simulation (release profile)", || {
            run(cargo().arg("build").args(EXAMPLE))?;
            Ok(Outcome::Done)
        })?;
        note(format!("seed {seed}"));
        let mut text = String::new();
        step("Walking", || {
            let count = self.histories.to_string();
            let mut walk = cargo();
            walk.args(["run", "--quiet"]).args(EXAMPLE);
            walk.arg("--").args([count, seed.to_string()]);
            text = output(&mut walk).context("a history failed: it is printed above")?;
            Ok(Outcome::Done)
        })?;
        println!("{text}");
        if self.no_report {
            return Ok(());
        }
        let day = output(command("date").args(["-u", "+%Y-%m-%d"]))?;
        let (day, commit) = (day.trim(), commit()?);
        let path = reports().join(format!("{day}-{commit}-simulate.md"));
        fs::write(
            &path,
            format!(
                "# Simulation of {day}, commit {commit}\n\nBy `cargo xtask simulate --histories {} --seed {seed}`; what is \
                 walked and what must hold: `server/src/simulation`.\n\n{}\n",
                self.histories,
                text.trim()
            ),
        )?;
        note(format!("written to {}", path.display()));
        Ok(())
    }
}
