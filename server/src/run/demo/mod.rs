//! The demo company: Merrow & Vale Foods, 240 people on three sites, with a week behind them.
//!
//! [`seed()`] plays that week through the same use cases as real callers (submit, decide, punch), at
//! past instants, in one transaction: what it leaves is what a live week would have left, and a
//! process killed half-way leaves nothing. People, requests and punches come from a fixed seed, so
//! every demo tells the same story; ids and passwords are new each time. [`Traffic`] then keeps it
//! moving from outside.

mod company;
mod load;
mod names;
mod news;
mod phones;
mod play;
mod requests;
mod seed;
#[cfg(test)]
mod tests;
mod traffic;
mod week;

pub use load::{Demo, SERVICE};
pub use phones::DemoPhones;
pub use seed::{Login, Seeded, seed};
pub use traffic::Traffic;

/// `bellhop demo …`. The data itself comes with the first start of `bellhop serve`.
#[derive(Debug, clap::Subcommand)]
pub enum DemoCommand {
    /// Play a lively day against a running server that has the demo data
    Traffic(Box<Traffic>),
}
