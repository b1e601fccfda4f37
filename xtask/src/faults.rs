//! `cargo xtask faults`: breaks a running product on purpose (`server/benches/faults`), audits it from outside, and
//! writes a report. Needs no browser half; the database lies under `target/faults`, and for the scenario of the full
//! disk on a small tmpfs, where mounting is allowed.

use anyhow::{Context, Result};
use clap::Args;

use crate::bench::{commit, reports};
use crate::command::{cargo_dev, command, output, run};
use crate::place;
use crate::setup::npm;
use crate::site::Profile;
use crate::step::{Outcome, note, step};

#[derive(Args)]
pub(crate) struct Faults {
    /// The release profile; the development profile's program bears the same, more slowly
    #[arg(long)]
    release: bool,
    /// Only this scenario; may be repeated [default: all]
    #[arg(long, value_name = "NAME", value_parser = NAMES)]
    only: Vec<String>,
    /// How many clients, half of them in Node
    #[arg(long, default_value_t = 200)]
    clients: u16,
    /// How long is published after each fault, at least
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Publications a second
    #[arg(long, default_value_t = 20)]
    rate: u32,
    /// What chance comes from [default: the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// Write no report
    #[arg(long)]
    no_report: bool,
}

/// What the driver knows, in its order.
const NAMES: [&str; 7] = [
    "kill-server",
    "kill-postgres",
    "kill-listener",
    "cut-sockets",
    "silent-sockets",
    "mute-sockets",
    "full-disk",
];

impl Faults {
    pub(crate) fn run(self) -> Result<()> {
        let tools = npm::tools()?;
        npm::end2end()?;
        let postgres = match std::env::var_os("BELLHOP_PG_BIN") {
            Some(bin) => bin.into(),
            None => tools.postgres()?,
        };
        let profile = if self.release {
            Profile::Release
        } else {
            Profile::Dev
        };
        step("Building server and driver", || {
            let mut build = cargo_dev();
            // In one build, so that the server is compiled once for both.
            build.args(["build", "--package", "server", "--package", "benches"]);
            build.args([
                "--features",
                "app/ssr,benches/faults",
                "--bin",
                "bellhop",
                "--bin",
                "faults",
            ]);
            if self.release {
                build.arg("--release");
            }
            run(&mut build)?;
            Ok(Outcome::Done)
        })?;
        let seed = match self.seed {
            Some(seed) => seed,
            None => output(command("date").arg("+%s"))?.trim().parse()?,
        };
        note(format!("seed {seed}"));
        let folder = place::target().join("faults");
        std::fs::create_dir_all(&folder)?;
        step("Breaking things", || {
            let program = profile.program();
            let mut driver = command(&program.with_file_name("faults").to_string_lossy());
            driver
                .arg("--program")
                .arg(&program)
                .arg("--pg")
                .arg(&postgres);
            driver.arg("--data").arg(&folder).arg("--clients-script");
            driver.arg(place::root().join("end2end/faults/clients.mjs"));
            for (name, value) in [
                ("--clients", self.clients.to_string()),
                ("--seconds", self.seconds.to_string()),
                ("--rate", self.rate.to_string()),
                ("--seed", seed.to_string()),
                ("--commit", commit()?),
            ] {
                driver.arg(name).arg(value);
            }
            driver.args([
                "--profile",
                if self.release {
                    "release"
                } else {
                    "development"
                },
            ]);
            for name in &self.only {
                driver.args(["--only", name]);
            }
            if !self.no_report {
                let day = output(command("date").args(["-u", "+%Y-%m-%d"]))?;
                let name = format!("{}-{}-faults.md", day.trim(), commit()?);
                driver.arg("--report").arg(reports().join(name));
            }
            run(&mut driver)
                .context("a promise was not kept, or a scenario could not be played: see above")?;
            Ok(Outcome::Done)
        })
    }
}
