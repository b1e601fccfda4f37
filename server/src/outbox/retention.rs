//! What goes by age, hourly: partitions whole, so that a month's deliveries cost one statement and not a month of
//! deletes; the rest in small steps.
//!
//! Guarantees: a day goes only once nothing in it is unsettled (what still is ends as a dead letter first, with the
//! reason `retention`); readers and writers go on meanwhile; whoever is interrupted leaves nothing half done
//! that the next hour does not finish.

use std::sync::Arc;
use std::time::Duration;

use app::model::delivery::State;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Connection as _, PgConnection};
use tokio_util::sync::CancellationToken;

use crate::store::debts::{self, Ending};
use crate::store::retention as store;
use crate::store::{Pool, is_transient, removals, webhooks};
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;

const EVERY: Duration = Duration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// A repeated publish is known for so long.
const KEYS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A device that stays away for longer is new when it comes back.
const DEVICES: SignedDuration = SignedDuration::from_hours(60 * 24);
/// Dead letters are kept for so much longer than what they tell of.
const LETTERS: SignedDuration = SignedDuration::from_hours(60 * 24);
/// What a webhook that is disabled was not told is kept for so long, until somebody has it sent again.
const UNTOLD: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Requests to webhooks that were given up, and which notifications were told as settled.
const TOLD: SignedDuration = SignedDuration::from_hours(30 * 24);
const STEP: i64 = 5_000;

/// Removes what is old.
#[derive(Clone)]
pub struct Retention {
    /// Where it is.
    pub pool: Pool,
    /// When it is.
    pub clock: Clock,
    /// How long deliveries are kept.
    pub days: u16,
}

/// What went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Partitions.
    pub partitions: Vec<String>,
    /// Deliveries that ended because their day went.
    pub ended: u64,
    /// Idempotency keys.
    pub keys: u64,
    /// Devices.
    pub devices: u64,
}

impl Retention {
    /// Starts the task; it stops when the process does. The first look is after an hour: a start has better
    /// things to do.
    pub fn start(self, life: &Lifecycle) {
        let this = Arc::new(self);
        life.spawn("retention", this.run(life.stopping()));
    }

    async fn run(self: Arc<Self>, stopping: CancellationToken) {
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            match self.pass().await {
                Ok(gone) if gone == Gone::default() => {}
                Ok(gone) => tracing::info!(?gone, "what was old is gone"),
                Err(error) if is_transient(&error) => {
                    // Also what seems to pass: an hour's work was not done.
                    tracing::warn!(%error, "what is old stays for another hour");
                }
                Err(error) => tracing::error!(%error, "what is old stays for another hour"),
            }
        }
    }

    /// Removes what is old now.
    ///
    /// # Errors
    /// Whatever the database answers; what is left goes the next time.
    pub async fn pass(&self) -> sqlx::Result<Gone> {
        let mut conn = self.pool.acquire().await?;
        if !store::try_lease(&mut conn).await? {
            return Ok(Gone::default()); // another node does it
        }
        let gone = self.remove(&mut conn).await;
        store::release(&mut conn).await?;
        gone
    }

    async fn remove(&self, conn: &mut PgConnection) -> sqlx::Result<Gone> {
        let now = self.clock.now();
        let mut gone = Gone::default();
        loop {
            let keys = store::forget_keys(conn, now - KEYS, STEP).await?;
            gone.keys += keys;
            if keys < STEP.unsigned_abs() {
                break;
            }
        }
        gone.devices = store::forget_devices(conn, now - DEVICES).await?;
        gone.devices += removals::forget_stragglers(conn).await?;
        let kept = DAY * i32::from(self.days);
        store::forget_letters(conn, now - kept - LETTERS).await?;
        webhooks::forget(conn, now - UNTOLD, now - TOLD).await?;
        // Detached by one who was interrupted before the drop.
        for day in store::detached(conn).await? {
            store::drop_day(conn, &day).await?;
            gone.partitions.push(day.child);
        }
        for parent in store::DAILY {
            for day in store::days(conn, parent, now - kept).await? {
                if parent == "delivery" {
                    gone.ended += end(conn, &day, now).await?;
                }
                match store::detach(conn, parent, &day).await {
                    Ok(()) => {
                        store::drop_day(conn, &day).await?;
                        gone.partitions.push(day.child);
                    }
                    // Somebody reads it: a report, a backup. The next hour tries again, and no later day goes
                    // before it.
                    Err(error) if is_patience(&error) => {
                        tracing::info!(partition = day.child, "still being read; it goes later");
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(gone)
    }
}

/// Ends what nobody settled of a day, and forgets its debts; answers how many.
async fn end(conn: &mut PgConnection, day: &store::Day, now: Timestamp) -> sqlx::Result<u64> {
    let mut ended = 0;
    if day.pending {
        return Ok(0); // was done before it was taken off
    }
    loop {
        let mut tx = conn.begin().await?;
        let left = store::unsettled(&mut tx, day, STEP).await?;
        let endings: Vec<Ending> = left
            .into_iter()
            .map(|(user, seq, at)| Ending {
                user,
                seq,
                at,
                state: State::Dead,
                reason: "retention",
            })
            .collect();
        if endings.is_empty() {
            store::forget_debts(&mut tx, day.end).await?;
            tx.commit().await?;
            return Ok(ended);
        }
        debts::end(&mut tx, &endings, now).await?;
        tx.commit().await?;
        ended += u64::try_from(endings.len()).unwrap_or(0);
    }
}

/// The statement or its lock took too long: 57014, 55P03.
fn is_patience(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == "57014" || code == "55P03")
}
