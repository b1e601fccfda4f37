//! What the product bears: drives the built `bellhop` from outside, breaks something, and audits what was promised.
//! Called by `cargo xtask faults`, which builds and says where things lie.
//!
//! One file per thing: the server process ([`house`]), the way to it that can be cut ([`proxy`]), the clients
//! ([`crowd`], [`node`]), publishers by SQL and what the database says ([`sql`]), the faults ([`fault`]), the course of a
//! scenario ([`scenario`]), the table ([`report`]). Publishers by HTTP, the Rust clients and the audit are those of
//! `bellhop verify`.

mod crowd;
mod disk;
mod fault;
mod house;
mod node;
mod proxy;
mod report;
mod scenario;
mod sql;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use bellhop::support::dice::Dice;
use bellhop::support::lifecycle::Lifecycle;
use benches::machine::{self, Machine};
use clap::{Parser, ValueEnum as _};

use fault::Fault;
use house::Setup;
use report::Report;
use scenario::{Outcome, Stage};

#[derive(Parser)]
struct Cli {
    /// The built server
    #[arg(long, value_name = "FILE")]
    program: PathBuf,
    /// PostgreSQL's programs
    #[arg(long, value_name = "DIR")]
    pg: PathBuf,
    /// Folder for the data and the logs; its content is thrown away
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The script of the SignalR clients
    #[arg(long, value_name = "FILE")]
    clients_script: PathBuf,
    /// Where the report goes; without it, it is only printed
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// What was built, for the report
    #[arg(long, default_value = "unknown")]
    commit: String,
    /// Which profile, for the report
    #[arg(long, default_value = "development")]
    profile: String,
    /// How many clients, half of them in Node
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(2..=2_000))]
    clients: u16,
    /// How long is published after each fault, at least; a quarter of it before
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(4..=3_600))]
    seconds: u64,
    /// Publications a second
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    rate: u32,
    /// What chance comes from
    #[arg(long)]
    seed: u64,
    /// Only these scenarios
    #[arg(long)]
    only: Vec<Fault>,
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let files = machine::raise_file_limit()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let machine = Machine::look(files)?;
    let outcomes = runtime.block_on(async {
        // What is held is stopped, and the disk unmounted, when the course is dropped.
        tokio::select! {
            outcomes = Box::pin(all(&cli)) => outcomes,
            _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("broken off; there is no report")),
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    let report = Report {
        command: format!(
            "cargo xtask faults --clients {} --seconds {} --rate {} --seed {}",
            cli.clients, cli.seconds, cli.rate, cli.seed
        ),
        commit: cli.commit,
        profile: cli.profile,
        machine,
        outcomes: outcomes?,
    };
    println!("{report}");
    if let Some(path) = &cli.report {
        std::fs::write(path, report.to_string())
            .with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("written to {}", path.display());
    }
    Ok(ExitCode::from(u8::from(!report.is_whole())))
}

/// The scenarios, one after the other: those that share a house, then the one that wants a disk of its own.
async fn all(cli: &Cli) -> Result<Vec<Outcome>> {
    let wanted: Vec<Fault> = match &cli.only[..] {
        [] => Fault::value_variants().to_vec(),
        only => only.to_vec(),
    };
    eprintln!("seed {}", cli.seed);
    let (own, shared): (Vec<Fault>, Vec<Fault>) =
        wanted.into_iter().partition(|fault| fault.wants_own_disk());
    let mut outcomes = Vec::new();
    if !shared.is_empty() {
        let data = cli.data.join("data");
        outcomes.extend(in_house(cli, setup(cli, data), &shared, None).await?);
    }
    for fault in own {
        match disk::Disk::mount() {
            Ok(disk) => {
                let setup = setup(cli, disk.folder().join("data"));
                let house = in_house(cli, setup, &[fault], Some(&disk)).await;
                outcomes.extend(house?);
            }
            Err(why) => outcomes.push(Outcome::skipped(fault, format!("{why:#}"))),
        }
    }
    Ok(outcomes)
}

fn setup(cli: &Cli, data: PathBuf) -> Setup {
    Setup {
        program: cli.program.clone(),
        pg: cli.pg.clone(),
        data,
        log: cli.data.join("server.log"),
    }
}

async fn in_house(
    cli: &Cli,
    setup: Setup,
    faults: &[Fault],
    disk: Option<&disk::Disk>,
) -> Result<Vec<Outcome>> {
    let life = Lifecycle::new();
    let mut outcomes = Vec::new();
    let staged = Stage::set(cli, setup, &life).await;
    let played = match staged {
        Ok(mut stage) => {
            let played = stage.play_all(faults, disk, &mut outcomes).await;
            stage.house.stop();
            played
        }
        Err(error) => Err(error),
    };
    life.stop();
    life.kill();
    played?;
    Ok(outcomes)
}

/// Another number for each purpose, from one seed.
fn dice(seed: u64, purpose: u64) -> Dice {
    Dice::new(seed.wrapping_mul(31).wrapping_add(purpose))
}
