//! SQL and nothing else: one module per table family, every statement checked at compile time.
//!
//! Functions take the connection or transaction first and give rows as plain structs. "Not found"
//! is `Ok(None)`. Nothing here decides, waits, or knows of a connection of the hub.
//!
//! Lock order, everywhere: idempotency key, notification, user_stream, delivery (user, seq),
//! device, debt, topic; each set sorted (`docs/architecture.md`, storage).

pub mod acks;
pub mod approvals;
pub mod attendance;
pub mod audience;
pub mod classes;
pub mod dead_letters;
pub mod debts;
pub mod demo;
pub mod devices;
pub mod directory;
pub mod explain;
pub mod fanout;
pub mod history;
pub mod idempotency;
pub mod identity;
pub mod inbox;
pub mod installation;
pub mod intake;
pub mod keys;
pub mod ledger;
pub mod line;
pub mod names;
pub mod people;
pub mod push;
pub mod queued;
pub mod receipts;
pub mod removals;
pub mod replay;
pub mod retention;
pub mod sessions;
pub mod topic;
pub mod webhook_events;
pub mod webhook_tries;
pub mod webhooks;
pub mod withdraw;

use std::time::Duration;

use sqlx::postgres::PgPool;

/// The pool every room reads and writes through.
pub type Pool = PgPool;

/// A connection idle for less is taken to live; one idle for longer is asked, which is a round trip.
pub const SURELY_ALIVE: Duration = Duration::from_secs(1);

/// Does the database answer?
pub async fn ping(pool: &Pool) -> sqlx::Result<()> {
    sqlx::query_scalar!("SELECT 1 AS one")
        .fetch_one(pool)
        .await
        .map(drop)
}

/// Is this error worth a retry by the caller, because the database was away or gave way?
///
/// Everything else (a constraint, bad data, a fault of ours) comes again with the same input.
#[must_use]
pub fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        // Not PostgreSQL's words: a proxy that has no database to pass us on to hangs up on our first ones.
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        // 08 connection, 57P0x shutting down, 53 out of resources, 40001/40P01 gave way to another, 55000 takes no
        // connections or is a standby still, 25006 a standby that only reads.
        sqlx::Error::Database(db) => db.code().is_some_and(|code| {
            code.starts_with("08")
                || code.starts_with("57P0")
                || code.starts_with("53")
                || code == "40001"
                || code == "40P01"
                || code == "55000"
                || code == "25006"
        }),
        _ => false,
    }
}
