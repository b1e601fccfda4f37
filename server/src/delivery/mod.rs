//! Room 3. Store and route: a valid publication becomes rows, one delivery a recipient with that
//! recipient's next number, in one commit; then it goes to the connections that are here.
//!
//! Guarantees: `docs/guarantees.md`. Only [`ledger`] writes numbers. Callers: the HTTP API through
//! the [`committer`], the SQL [`intake`] through its router, the workplace inside its own
//! transactions.

mod ack_mode;
mod batch;
pub mod class_changes;
pub mod classes;
pub mod committer;
pub mod dead_letters;
pub mod doorbell;
pub mod draft;
pub mod epoch;
pub mod fair;
pub mod fanout;
pub mod intake;
mod known;
pub mod ledger;
mod publication;
#[cfg(test)]
mod tests;
pub mod withdraw;

pub use ack_mode::{AckMode, UnknownMode};
pub use classes::Classes;
pub use publication::{Audience, Except, Idempotency, Publication, Routed};

use app::protocol::Patch;
use uuid::Uuid;

/// Where things go after the commit. The hub implements it; tests record it.
pub trait Dispatch: Send + Sync + 'static {
    /// Lossless: to every connection of each recipient, through its gate. Never blocks.
    fn deliver(&self, routed: &[Routed]);

    /// Conflated: to every connection in the group `(tenant, group)`. Never blocks, may be lost;
    /// its receivers notice by the revision and fetch again.
    fn patch(&self, tenant: Uuid, group: &str, patch: &Patch);
}
