//! The numbers of the SignalR crate by itself: what the hub adds to a bare axum WebSocket, which is
//! measured beside it in the same run. Called by `cargo xtask bench signalr`.
//!
//! One file per row. A row measures or fails; it asserts no timing. The measured server is a process
//! of its own, this program again, but for the rows that are in process by their nature.

mod app;
mod broadcast;
mod calls;
mod check;
mod crowd;
mod heap;
mod idle;
mod negotiate;
mod pipe;
mod repeat;
mod round_trip;
mod server;
mod wire;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use benches::machine::{self, Machine};
use benches::noise::Noise;
use benches::table::{Report, Section};
use clap::{Parser, ValueEnum};

use server::Who;

#[global_allocator]
static ALLOCATOR: heap::Counting = heap::Counting;

#[derive(Parser)]
struct Cli {
    /// Where the report goes
    #[arg(long, value_name = "DIR")]
    reports: Option<PathBuf>,
    /// What was built, for the report
    #[arg(long, default_value = "unknown")]
    commit: String,
    /// Short runs: to see whether it works, not for the record
    #[arg(long)]
    quick: bool,
    /// Be a part of the measurement, until standard input ends
    #[arg(long, value_name = "PART")]
    be: Option<Part>,
    /// A server with the allocator's counters on, which says where allocations of so many bytes are
    /// made; 0 for none
    #[arg(long, requires = "be", value_name = "BYTES")]
    count: Option<usize>,
    /// Make so many calls of the row `calls` and nothing else: for a profiler
    #[arg(long, value_name = "CALLS")]
    exercise: Option<usize>,
    /// Calls under way at once in it
    #[arg(long, default_value_t = 1, requires = "exercise")]
    window: usize,
    /// Said by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// Which rows; all when none is named
    rows: Vec<Kind>,
}

/// What runs in a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Hub,
    Twin,
    Crowd,
}

/// The rows, in the order they are measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    RoundTrip,
    Calls,
    Idle,
    Negotiate,
    Broadcast,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    match cli.be {
        Some(Part::Hub) => return server::main(Who::Hub, cli.count),
        Some(Part::Twin) => return server::main(Who::Twin, cli.count),
        Some(Part::Crowd) => return crowd::main(),
        None => {}
    }
    let all = Kind::value_variants();
    let rows = if cli.rows.is_empty() { all } else { &cli.rows };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if let Some(calls) = cli.exercise {
        return runtime.block_on(calls::exercise(calls, cli.window));
    }
    let files = machine::raise_file_limit()?;
    let mut machine = Machine::look(files)?;
    machine.add("shared by", "server, twin and clients, over 127.0.0.1");
    let mut report = Report::new("cargo xtask bench signalr", machine, cli.commit);
    for kind in rows {
        eprintln!("measuring: {kind:?}");
        let noise = Noise::begin()?;
        let found: Section = match kind {
            Kind::RoundTrip => round_trip::rows(cli.quick),
            Kind::Calls => runtime.block_on(calls::rows(cli.quick)),
            Kind::Idle => idle::rows(cli.quick),
            Kind::Negotiate => negotiate::rows(cli.quick),
            Kind::Broadcast => runtime.block_on(broadcast::rows(cli.quick)),
        }
        .with_context(|| format!("{kind:?} could not be measured"))?;
        report.add(found, noise.end()?);
    }
    print!("{report}");
    if let Some(folder) = cli.reports {
        let names = rows.iter().map(|kind| format!("-{kind:?}").to_lowercase());
        let part = if rows.len() < all.len() {
            names.collect()
        } else {
            String::new()
        };
        let path = report.write(&folder, Some(&format!("signalr{part}")))?;
        println!("written to {}", path.display());
    }
    Ok(())
}
