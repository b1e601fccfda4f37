//! Claims debts when they are due, does what their ladder says, and writes what is left of them.
//!
//! A claim is made, committed, and only then acted on: no connection to the database is held across a send.
//! Whoever dies with a claim leaves it to come back in half a minute; what was acked meanwhile is gone from
//! the debts, and a rung that was done twice by that is an item a connection has already, which its gate drops.
//!
//! Bound: 500 claims at a time, the longest overdue first.

use std::sync::Arc;
use std::time::Duration;

use app::model::delivery::{Class, Debt, Due, End, Owed, Plan, Rule, State, plan};
use jiff::{SignedDuration, Timestamp};
use sqlx::Connection as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Reach, deputy};
use crate::delivery::Classes;
use crate::store::debts::{self as store, Claim, Ending, Left};
use crate::store::{Pool, is_transient};
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;

const MOST_CLAIMS: i64 = 500;
/// A claim nobody finished comes back after this.
const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// Debts that others made are looked for so often.
const PATROL: Duration = Duration::from_secs(1);

/// Works debts off.
pub struct Worker {
    /// Where the debts are.
    pub pool: Pool,
    /// When it is.
    pub clock: Clock,
    /// The ladders.
    pub classes: Arc<Classes>,
    /// Who is here.
    pub reach: Arc<dyn Reach>,
    /// Told in which tenants something ended.
    pub changed: Arc<dyn Fn(Uuid) + Send + Sync>,
    /// Rung when debts were made, or became due by an ack.
    pub bell: Arc<Notify>,
}

/// What came of one round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Debts that were due.
    pub claimed: usize,
    /// Rungs that were climbed.
    pub rungs: usize,
    /// Deliveries that ended.
    pub ended: usize,
}

impl Worker {
    /// Starts the task; it stops when the process does, after the round in hand.
    pub fn start(self, life: &Lifecycle) {
        life.spawn("ladder", self.run(life.stopping()));
    }

    async fn run(self, stopping: CancellationToken) {
        loop {
            let pause = match self.round().await {
                Ok(round) if round.claimed > 0 => Duration::ZERO,
                Ok(_) => self.until_next().await,
                Err(error) if is_transient(&error) => {
                    tracing::debug!(%error, "debts not worked off, will look again");
                    PATROL
                }
                Err(error) => {
                    tracing::error!(%error, "debts not worked off, will look again");
                    PATROL
                }
            };
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.bell.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Until the next debt is due, a second at most.
    async fn until_next(&self) -> Duration {
        let next = match self.pool.acquire().await {
            Ok(mut conn) => store::next_due(&mut conn).await.unwrap_or(None),
            Err(_) => None,
        };
        next.map_or(PATROL, |at| {
            let left = at.as_millisecond() - self.clock.now().as_millisecond();
            Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(PATROL)
        })
    }

    /// Claims what is due and does it.
    ///
    /// # Errors
    /// Whatever the database answers; what was claimed comes back by itself.
    pub async fn round(&self) -> sqlx::Result<Round> {
        let now = self.clock.now();
        let claims = {
            let mut conn = self.pool.acquire().await?;
            store::claim(&mut conn, now, now + LEASE, MOST_CLAIMS).await?
        };
        if claims.is_empty() {
            return Ok(Round::default());
        }
        let plans: Vec<Option<Plan>> = claims.iter().map(|claim| self.plan(claim, now)).collect();
        let rungs = self.climb(&claims, &plans, now).await?;
        let ended = self.write(&claims, &plans, now).await?;
        Ok(Round {
            claimed: claims.len(),
            rungs,
            ended,
        })
    }

    /// What is due for a claim; `None` for a delivery that is no more.
    fn plan(&self, claim: &Claim, now: Timestamp) -> Option<Plan> {
        let delivery = claim.delivery.as_ref()?;
        let rule = Rule::of(delivery.rule);
        let class = if rule.hidden {
            Arc::new(Class::of_withdrawals())
        } else {
            self.classes.get(claim.tenant, &delivery.class).class
        };
        let debt = Debt {
            rung: usize::try_from(claim.rung).unwrap_or(0),
            tries: u32::try_from(claim.tries).unwrap_or(0),
            push_at: claim.push_at.map(Timestamp::as_millisecond),
        };
        let owed = Owed {
            state: State::of(delivery.state),
            rule,
            pushed: delivery.pushed,
            routed_at: claim.at.as_millisecond(),
            expires_at: delivery.expires_at.as_millisecond(),
        };
        let jitter = jitter(claim.notification, claim.user);
        Some(plan(&class, debt, owed, now.as_millisecond(), jitter))
    }

    /// Does what is due; answers how many rungs that were.
    async fn climb(
        &self,
        claims: &[Claim],
        plans: &[Option<Plan>],
        now: Timestamp,
    ) -> sqlx::Result<usize> {
        let mut rungs = 0;
        let mut deputies: Vec<&Claim> = Vec::new();
        for (claim, plan) in claims.iter().zip(plans) {
            for due in plan.iter().flat_map(|plan| &plan.due) {
                rungs += 1;
                match due {
                    Due::Again { last } => {
                        self.reach.again(claim.user, claim.seq, *last);
                    }
                    Due::Deputy => {
                        let escalated = claim.delivery.as_ref().is_some_and(|d| d.escalated);
                        if !escalated {
                            deputies.push(claim);
                        }
                    }
                    Due::Push | Due::Withdraw => {}
                }
            }
        }
        if !deputies.is_empty() {
            for (user, seq) in deputy::ask(&self.pool, &deputies, now).await? {
                self.reach.again(user, seq, false);
            }
        }
        Ok(rungs)
    }

    /// Writes what is left; answers how many deliveries ended.
    async fn write(
        &self,
        claims: &[Claim],
        plans: &[Option<Plan>],
        now: Timestamp,
    ) -> sqlx::Result<usize> {
        let mut left = Vec::new();
        let mut paid: Vec<&Claim> = Vec::new();
        let mut endings: Vec<Ending> = Vec::new();
        for (claim, plan) in claims.iter().zip(plans) {
            let Some(plan) = plan else {
                paid.push(claim);
                continue;
            };
            let ending = |state, reason| Ending {
                user: claim.user,
                seq: claim.seq,
                at: claim.at,
                state,
                reason,
            };
            match plan.end {
                None => left.push(Left {
                    user: claim.user,
                    seq: claim.seq,
                    fence: claim.fence,
                    rung: i16::try_from(plan.left.rung).unwrap_or(i16::MAX),
                    tries: i16::try_from(plan.left.tries).unwrap_or(i16::MAX),
                    push_at: plan.left.push_at.and_then(milliseconds),
                    next_at: milliseconds(plan.next_at).unwrap_or(now),
                }),
                Some(End::Paid) => paid.push(claim),
                Some(End::Expire) => {
                    endings.push(ending(State::Expired, "expired"));
                    paid.push(claim);
                }
                Some(End::GiveUp) => {
                    endings.push(ending(State::Dead, "ladder_ended"));
                    paid.push(claim);
                }
            }
        }
        let mut conn = self.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        if !endings.is_empty() {
            endings.sort_by_key(|one| (one.user, one.seq));
            store::end(&mut tx, &endings, now).await?;
        }
        if !left.is_empty() {
            store::put_back(&mut tx, &left).await?;
        }
        if !paid.is_empty() {
            let users: Vec<Uuid> = paid.iter().map(|claim| claim.user).collect();
            let seqs: Vec<i64> = paid.iter().map(|claim| claim.seq).collect();
            let fences: Vec<i64> = paid.iter().map(|claim| claim.fence).collect();
            store::pay(&mut tx, &users, &seqs, &fences).await?;
        }
        tx.commit().await?;
        if !endings.is_empty() {
            for claim in &paid {
                (self.changed)(claim.tenant);
            }
        }
        Ok(endings.len())
    }
}

fn milliseconds(at: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(at).ok()
}

/// 0.0 to 1.0, the same each time for one delivery, so that a rung's time does not change while it is waited
/// for: a claim that comes back plans what the one before it planned.
pub(crate) fn jitter(notification: Uuid, user: Uuid) -> f64 {
    let mixed = notification.as_u128() ^ user.as_u128().rotate_left(64);
    let low = u32::try_from(mixed & 0xffff_ffff).unwrap_or(0);
    f64::from(low.wrapping_mul(0x9e37_79b9)) / f64::from(u32::MAX)
}
