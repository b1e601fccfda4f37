//! Every chore of the repository as one command: `cargo xtask run`, `cargo xtask test`.
//!
//! Needs Rust, Node with npm and a C compiler; installs everything else into one cache folder outside
//! of the clone. One file per command; what they share is [`step`] (what is said), [`place`] (where
//! things lie), [`command`] (how programs are called) and [`setup`] (what has to be there).

mod bench;
mod ci;
mod command;
mod faults;
mod freshness;
mod hash;
mod links;
mod lint;
mod place;
mod prepare;
mod run;
mod scratch;
mod setup;
mod simulate;
mod site;
mod step;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Bellhop's chores"
)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Build what is missing and start the product
    Run(run::Run),
    /// Unit, integration and browser tests
    Test(test::Test),
    /// Measure the release build, with a bare twin beside each figure, and write docs/reports
    Bench(bench::Bench),
    /// Walk random histories of the delivery rules, with crashes between any two steps, and write docs/reports
    Simulate(simulate::Simulate),
    /// Break a running product on purpose, audit it from outside, and write docs/reports
    Faults(faults::Faults),
    /// Install what building, running and testing need, and stop
    Setup,
    /// Format, clippy, documentation, dependencies: everything that needs no running program
    Lint,
    /// What has to be green: lint, then test
    Ci,
    /// Refresh `.sqlx`, the checked SQL that builds use instead of a database
    Prepare(prepare::Prepare),
}

fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::Run(chore) => chore.run(),
        Chore::Test(chore) => chore.run(),
        Chore::Bench(chore) => chore.run(),
        Chore::Simulate(chore) => chore.run(),
        Chore::Faults(chore) => chore.run(),
        Chore::Setup => setup::everything(),
        Chore::Lint => lint::everything(),
        Chore::Ci => ci::run(),
        Chore::Prepare(chore) => chore.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            step::failed(&error);
            ExitCode::FAILURE
        }
    }
}
