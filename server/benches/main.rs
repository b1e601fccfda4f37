//! The numbers: drives the built `bellhop` from outside, as clients do, with the bare twin of every
//! figure beside it in the same run. Called by `cargo xtask bench`, which builds and says where
//! things lie.
//!
//! One file per row. A row measures or fails; it asserts no timing. One thread drives, because the
//! driver shares the cores with what it measures.

mod acks;
mod big;
mod bundle;
mod client;
mod crowd;
mod database;
mod foreign;
mod hub;
mod latency;
mod memory;
mod pages;
mod product;
mod push;
mod start;
mod throughput;
mod twins;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use benches::machine::{self, Machine};
use benches::noise::Noise;
use benches::table::{Report, Section};
use clap::{Parser, ValueEnum};

use product::Setup;

// What the product uses: the twins, which are this program too, get the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Cli {
    /// The built server
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// The built browser files
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
    /// PostgreSQL's programs
    #[arg(long, value_name = "DIR")]
    pg: Option<PathBuf>,
    /// Folder of the database that is measured; its content is thrown away
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the report goes
    #[arg(long, value_name = "DIR")]
    reports: Option<PathBuf>,
    /// What was built, for the report
    #[arg(long, default_value = "unknown")]
    commit: String,
    /// Be the bare twin of the server, until standard input ends
    #[arg(long)]
    twin: bool,
    /// Said by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// Which rows; all when none is named
    rows: Vec<Kind>,
}

/// The rows, in the order they are measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Start,
    Pages,
    Latency,
    Throughput,
    Acks,
    Foreign,
    Push,
    Crowd,
    Memory,
    Bundle,
    /// Only when it is named.
    Big,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if cli.twin {
        return twins::http::main();
    }
    let (Some(program), Some(site), Some(pg), Some(data)) =
        (cli.program, cli.site, cli.pg, cli.data)
    else {
        println!("skipped: it wants the built product; use `cargo xtask bench`");
        return Ok(());
    };
    let setup = Setup {
        program,
        site,
        pg,
        data,
    };
    let all = Kind::value_variants();
    let all = all.strip_suffix(&[Kind::Big]).unwrap_or(all);
    let rows = if cli.rows.is_empty() { all } else { &cli.rows };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(measure(&setup, rows, cli.commit))?;
    print!("{report}");
    if let Some(folder) = cli.reports {
        let names = rows.iter().map(|kind| format!("{kind:?}").to_lowercase());
        let part = (rows != all).then(|| names.collect::<Vec<_>>().join("-"));
        let path = report.write(&folder, part.as_deref())?;
        println!("written to {}", path.display());
    }
    Ok(())
}

async fn measure(setup: &Setup, rows: &[Kind], commit: String) -> Result<Report> {
    let files = machine::raise_file_limit()?;
    setup.reset().await.context("a new database")?;
    let mut machine = Machine::look(files)?;
    database::look(setup, &mut machine).await?;
    let mut report = Report::new("cargo xtask bench", machine, commit);
    for kind in rows {
        eprintln!("measuring: {kind:?}");
        let noise = Noise::begin()?;
        let found: Section = match kind {
            Kind::Start => start::rows(setup).await,
            Kind::Pages => pages::rows(setup).await,
            Kind::Latency => latency::rows(setup).await,
            Kind::Throughput => throughput::rows(setup).await,
            Kind::Acks => acks::rows(setup).await,
            Kind::Foreign => foreign::rows(setup).await,
            Kind::Push => push::rows(setup).await,
            Kind::Crowd => crowd::rows(setup).await,
            Kind::Memory => memory::rows(setup).await,
            Kind::Bundle => bundle::rows(setup),
            Kind::Big => big::rows(setup).await,
        }
        .with_context(|| format!("{kind:?} could not be measured"))?;
        report.add(found, noise.end()?);
    }
    Ok(report)
}
