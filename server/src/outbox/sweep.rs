//! Finds what nobody settled. Every second: whatever was routed up to a few seconds ago and is still
//! unsettled gets a debt, its next step. Most deliveries are acked by then and never cost more.
//!
//! Guarantee: no delivery is passed over, whatever the clocks say and however long a transaction takes. First
//! a line is drawn (`open_from`): from its commit on nothing is routed before it. Then every transaction
//! that ran at that moment, and may not have seen the line, is waited for. Only then is what lies before the
//! line looked through.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::Connection as _;
use tokio::sync::Notify;
use uuid::Uuid;

use super::Reach;
use crate::delivery::Classes;
use crate::store::debts::{self as store, FirstRungs};
use crate::store::{Pool, is_transient};
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;

const EVERY: Duration = Duration::from_secs(1);
/// Deliveries get so long to be acked before they cost a row.
const GRACE: SignedDuration = SignedDuration::from_secs(3);
/// What one statement looks through. Longer after a longer absence, so that it ends: a sixteenth of it.
const SLICE: SignedDuration = SignedDuration::from_secs(10);
/// Nothing older can be owed.
const OLDEST: SignedDuration = SignedDuration::from_hours(31 * 24);

/// A line that was drawn, and who may not have seen it.
struct Line {
    at: Timestamp,
    before: Vec<String>,
}

/// What the sweeper needs.
pub struct Needs {
    /// Where deliveries and debts are.
    pub pool: Pool,
    /// When it is.
    pub clock: Clock,
    /// The ladders.
    pub classes: Arc<Classes>,
    /// Who is here.
    pub reach: Arc<dyn Reach>,
    /// Whether some push provider is configured.
    pub pushes: bool,
    /// Rung when debts were made.
    pub bell: Arc<Notify>,
}

/// Sweeps.
pub struct Sweeper {
    needs: Needs,
    line: Option<Line>,
}

impl Sweeper {
    /// A sweeper that has drawn no line yet.
    #[must_use]
    pub fn new(needs: Needs) -> Self {
        Self { needs, line: None }
    }

    /// Starts the task; it stops when the process does.
    pub fn start(mut self, life: &Lifecycle) {
        let stopping = life.stopping();
        life.spawn("sweep", async move {
            loop {
                if let Err(error) = self.pass().await {
                    self.line = None;
                    if is_transient(&error) {
                        tracing::debug!(%error, "not swept, will sweep again");
                    } else {
                        tracing::error!(%error, "not swept, will sweep again");
                    }
                }
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
        });
    }

    /// Sweeps up to the line of the pass before, and draws the next. Answers how many debts it made.
    ///
    /// # Errors
    /// Whatever the database answers; nothing is passed over by that.
    pub async fn pass(&mut self) -> sqlx::Result<u64> {
        let mut conn = self.needs.pool.acquire().await?;
        let mut made = 0;
        if let Some(line) = &mut self.line {
            if !line.before.is_empty() {
                let running = store::running(&mut conn).await?;
                line.before.retain(|name| running.contains(name));
            }
            if !line.before.is_empty() {
                return Ok(0); // somebody is still at it: the line stays until they are done
            }
            let to = line.at;
            made = self.sweep_to(&mut conn, to).await?;
            self.line = None;
        }
        let at = store::open_from(&mut conn, self.needs.clock.now() - GRACE).await?;
        let before = store::running(&mut conn).await?;
        self.line = Some(Line { at, before });
        if made > 0 {
            self.needs.bell.notify_one();
        }
        Ok(made)
    }

    async fn sweep_to(&self, conn: &mut sqlx::PgConnection, line: Timestamp) -> sqlx::Result<u64> {
        let rungs = self.first_rungs();
        let mut made = 0;
        loop {
            let mut tx = conn.begin().await?;
            let Some(swept) = store::lock_sweep(&mut tx).await? else {
                return Ok(made); // another node does it
            };
            if swept.to >= line {
                return Ok(made);
            }
            let from = swept
                .to
                .max(line.saturating_sub(OLDEST).unwrap_or(Timestamp::MIN));
            let slice = SLICE.max((line - from).try_into().unwrap_or(SLICE) / 16);
            let to = from.saturating_add(slice).unwrap_or(line).min(line);
            made += store::sweep(&mut tx, from, to, &rungs).await?;
            store::set_swept(&mut tx, to).await?;
            tx.commit().await?;
        }
    }

    /// When each class's first rung comes, and that for users who are away, with a phone and without; one without a
    /// ladder has none before its end.
    ///
    /// A rung costs two rewritten rows, about twice what accepting the notification did: those that would find
    /// nobody are passed over.
    fn first_rungs(&self) -> FirstRungs {
        const NEVER: i64 = i64::MAX >> 20;
        let mut rungs = FirstRungs {
            here: self.needs.reach.here(),
            pushes: self.needs.pushes,
            ..FirstRungs::default()
        };
        for (tenant, key, class) in self.needs.classes.list() {
            rungs.tenants.push(tenant);
            rungs.classes.push(key.to_string());
            let after = |rung: usize| {
                let rung = class.ladder.get(rung);
                rung.map_or(NEVER, |rung| i64::from(rung.after) * 1_000)
            };
            let number = |rung: usize| i16::try_from(rung).unwrap_or(i16::MAX);
            rungs.after.push(after(0));
            let away = class.first_rung_away(true);
            rungs.away.push(number(away));
            rungs.away_after.push(after(away));
            rungs.push_after.push(class.push_away());
            let alone = class.first_rung_away(false);
            rungs.alone.push(number(alone));
            rungs.alone_after.push(after(alone));
        }
        debug_assert!(rungs.tenants.contains(&Uuid::nil()), "the built-in ones");
        rungs
    }
}
