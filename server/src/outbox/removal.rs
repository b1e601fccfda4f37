//! Users who were removed: what is owed to them ends at once instead of running to its expiry; of those who are
//! erased, what is personal goes too.
//!
//! Guarantees: whoever was owed something when they were removed is owed nothing when it is done, whatever was
//! being published meanwhile (transactions that ran at the removal are waited for); what was done once is not
//! done again, and a crash loses nothing: each page and how far it is are one transaction, under a claim that
//! comes back by itself. What shows up later all the same ends at its first rung (`ladder.rs`).
//!
//! Bound: 500 deliveries a page, 8 removals a round, one after the other.

use std::sync::Arc;
use std::time::Duration;

use app::model::delivery::State;
use jiff::{SignedDuration, Timestamp};
use sqlx::Connection as _;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::store::debts::{self, Ending};
use crate::store::removals::{self as store, Claim, Step};
use crate::store::{Pool, is_transient};
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;

/// Why what is owed to them ends.
pub const REASON: &str = "user_removed";
/// In the place of the name of somebody who was erased.
pub const NAMELESS: &str = "Erased user";

/// Deliveries of one transaction.
const PAGE: i64 = 500;
const AT_ONCE: i64 = 8;
/// A claim nobody finished comes back after this.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// What still runs, or is being taken back from a phone, is looked at again after this.
const PAUSE: SignedDuration = SignedDuration::from_secs(1);
/// Nobody waits for longer: neither for a transaction that hangs nor for a provider that is away.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// Removals that others began are looked for so often.
const PATROL: Duration = Duration::from_secs(1);

/// Sees to removals. Cheap to clone.
#[derive(Clone)]
pub struct Removals {
    /// Where they are.
    pub pool: Pool,
    /// When it is.
    pub clock: Clock,
    /// Told in which tenants something ended, after the commit.
    pub changed: Arc<dyn Fn(Uuid) + Send + Sync>,
}

impl Removals {
    /// Starts the task; it stops when the process does, after the page in hand. `bell` is rung when users were
    /// removed here.
    pub fn start(self, bell: Arc<Notify>, life: &Lifecycle) {
        let stopping = life.stopping();
        life.spawn("removals", async move {
            loop {
                let pause = match self.round(None).await {
                    Ok(0) => PATROL,
                    Ok(_) => Duration::ZERO,
                    Err(error) if is_transient(&error) => {
                        tracing::debug!(%error, "removal interrupted, goes on later");
                        PATROL
                    }
                    Err(error) => {
                        tracing::error!(%error, "removal interrupted, goes on later");
                        PATROL
                    }
                };
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = bell.notified() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
        });
    }

    /// Goes a page further with what is due, of one user or of all; answers how many there were.
    ///
    /// # Errors
    /// Whatever the database answers; what was claimed comes back by itself.
    pub async fn round(&self, user: Option<Uuid>) -> sqlx::Result<usize> {
        let now = self.clock.now();
        let mut conn = self.pool.acquire().await?;
        let claims = store::claim(&mut conn, user, now, now + LEASE, AT_ONCE).await?;
        drop(conn);
        for claim in &claims {
            self.step(claim).await?;
        }
        Ok(claims.len())
    }

    /// One page of one removal, and how far it is then.
    pub(super) async fn step(&self, claim: &Claim) -> sqlx::Result<()> {
        let now = self.clock.now();
        let mut conn = self.pool.acquire().await?;
        // Asked before the page is read: what such a transaction wrote is then in it.
        let running = debts::running(&mut conn).await?;
        let mut waits_for = claim.waits_for.clone().unwrap_or_else(|| running.clone());
        waits_for.retain(|name| running.contains(name));
        let late = now.duration_since(claim.asked_at) > PATIENCE;

        let mut tx = conn.begin().await?;
        if !store::hold(&mut tx, claim).await? {
            // Now, and not when the connection is used next: whoever has it must not find it locked.
            return tx.rollback().await;
        }
        let rows = store::page(&mut tx, claim.user, claim.after, claim.erase, PAGE, now).await?;
        let mut step = Step {
            after: rows.last().map_or(claim.after, |row| row.seq),
            deliveries: i64::try_from(rows.len()).unwrap_or(0),
            ..Step::default()
        };
        if claim.erase && !rows.is_empty() {
            let ids: Vec<Uuid> = rows.iter().map(|row| row.notification).collect();
            let emptied = store::empty_contents(&mut tx, claim.user, &ids).await?;
            step.contents = i64::try_from(emptied).unwrap_or(0);
            store::empty_deliveries(&mut tx, claim.user, claim.after, step.after).await?;
        }
        step.ended = end(&mut tx, claim.user, &rows, now).await?;

        let next = if step.deliveries == PAGE {
            Some(now)
        } else if !waits_for.is_empty() && !late {
            Some(now + PAUSE)
        } else if claim.erase {
            // A card is taken back from a phone by the phone's token.
            if !late && store::has_debts(&mut tx, claim.user).await? {
                Some(now + PAUSE)
            } else {
                let gone = store::forget_devices(&mut tx, claim.user).await?;
                step.devices = i64::try_from(gone).unwrap_or(0);
                None
            }
        } else {
            None
        };
        store::write(&mut tx, claim, step, &waits_for, next, now).await?;
        tx.commit().await?;
        if step.ended > 0 {
            (self.changed)(claim.tenant);
        }
        Ok(())
    }
}

/// Ends what nobody settled of a page, and sees to its debts; answers how many there were.
async fn end(
    tx: &mut sqlx::PgConnection,
    user: Uuid,
    rows: &[store::Row],
    now: Timestamp,
) -> sqlx::Result<i64> {
    let owed: Vec<&store::Row> = rows.iter().filter(|row| row.owed).collect();
    if owed.is_empty() {
        return Ok(0);
    }
    let endings: Vec<Ending> = owed
        .iter()
        .map(|row| Ending {
            user,
            seq: row.seq,
            at: row.at,
            state: State::Dead,
            reason: REASON,
        })
        .collect();
    debts::end(tx, &endings, now).await?;
    let users = vec![user; owed.len()];
    let seqs: Vec<i64> = owed.iter().map(|row| row.seq).collect();
    let pushed: Vec<bool> = owed.iter().map(|row| row.pushed).collect();
    debts::settled(tx, &users, &seqs, &pushed, now).await?;
    Ok(i64::try_from(owed.len()).unwrap_or(0))
}
