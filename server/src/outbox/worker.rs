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
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::phones::{Job, Phones};
use super::{Reach, deputy};
use crate::delivery::Classes;
use crate::store::debts::{self as store, Claim, Ending, Left};
use crate::store::{Pool, is_transient};
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;

const MOST_CLAIMS: i64 = 500;
/// A claim nobody finished comes back after this.
const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// Batches of pushes under way; then rungs wait for one of them.
const PUSHES_AT_ONCE: usize = 8;
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
    /// The registered phones; `None`: no provider is configured, and rungs that push do nothing.
    pub phones: Option<Arc<Phones>>,
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
        life.spawn("ladder", self.run(life.tracker(), life.stopping()));
    }

    async fn run(self, tracker: TaskTracker, stopping: CancellationToken) {
        let places = Arc::new(Semaphore::new(PUSHES_AT_ONCE));
        loop {
            let pause = match self.begin().await {
                Ok((round, pushes)) => {
                    if let Some(pushes) = pushes {
                        // A provider that hangs must not hold up other rungs, so pushes run beside.
                        let place = places.clone().acquire_owned().await;
                        tracker.spawn(async move {
                            told(pushes.await);
                            drop(place);
                        });
                    }
                    if round.claimed > 0 {
                        Duration::ZERO
                    } else {
                        self.until_next().await
                    }
                }
                Err(error) => {
                    told(Err(error));
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

    /// Claims what is due and does it, pushes included.
    ///
    /// # Errors
    /// Whatever the database answers; what was claimed comes back by itself.
    pub async fn round(&self) -> sqlx::Result<Round> {
        let (round, pushes) = self.begin().await?;
        if let Some(pushes) = pushes {
            pushes.await?;
        }
        Ok(round)
    }

    /// Claims what is due and does it; the pushes are still to be awaited.
    pub(super) async fn begin(
        &self,
    ) -> sqlx::Result<(
        Round,
        Option<impl Future<Output = sqlx::Result<()>> + Send + 'static>,
    )> {
        let now = self.clock.now();
        let claims = {
            let mut conn = self.pool.acquire().await?;
            store::claim(&mut conn, now, now + LEASE, MOST_CLAIMS).await?
        };
        let plans: Vec<Option<Planned>> =
            claims.iter().map(|claim| self.plan(claim, now)).collect();
        let rungs = self.climb(&claims, &plans, now).await?;
        let count = claims.len();
        let Parted {
            rest,
            notify,
            withdraw,
        } = self.part(claims, plans);
        let ended = if rest.is_empty() {
            0
        } else {
            self.write(&rest, now).await?
        };
        let phones = self.phones.clone();
        let pushes = phones.filter(|_| !notify.is_empty() || !withdraw.is_empty());
        let pushes = pushes.map(|phones| async move {
            if !withdraw.is_empty() {
                phones.withdraw(withdraw).await?;
            }
            if !notify.is_empty() {
                phones.notify(notify).await?;
            }
            Ok(())
        });
        let round = Round {
            claimed: count,
            rungs,
            ended,
        };
        Ok((round, pushes))
    }

    /// Those whose debts the phones' task writes, and the rest.
    fn part(&self, claims: Vec<Claim>, plans: Vec<Option<Planned>>) -> Parted {
        let mut parted = Parted::default();
        let Parted {
            rest,
            notify,
            withdraw,
        } = &mut parted;
        for (claim, planned) in claims.into_iter().zip(plans) {
            let Some(Planned { plan, class }) = planned else {
                rest.push((claim, None));
                continue;
            };
            let has = |due: Due| self.phones.is_some() && plan.due.contains(&due);
            let expires_at = claim.delivery.as_ref().map(|delivery| delivery.expires_at);
            match expires_at {
                Some(expires_at) if plan.end.is_none() && has(Due::Push) => notify.push(Job {
                    claim,
                    plan,
                    class,
                    expires_at,
                }),
                _ if plan.end == Some(End::Paid) && has(Due::Withdraw) => {
                    withdraw.push((claim, class));
                }
                _ => rest.push((claim, Some(plan))),
            }
        }
        parted
    }

    /// What is due for a claim; `None` for a delivery that is no more.
    fn plan(&self, claim: &Claim, now: Timestamp) -> Option<Planned> {
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
            gone: delivery.gone,
            routed_at: claim.at.as_millisecond(),
            expires_at: delivery.expires_at.as_millisecond(),
        };
        let jitter = jitter(claim.notification, claim.user);
        let plan = plan(&class, debt, owed, now.as_millisecond(), jitter);
        Some(Planned { plan, class })
    }

    /// Does what is due; answers how many rungs that were.
    async fn climb(
        &self,
        claims: &[Claim],
        plans: &[Option<Planned>],
        now: Timestamp,
    ) -> sqlx::Result<usize> {
        let mut rungs = 0;
        let mut deputies: Vec<&Claim> = Vec::new();
        for (claim, plan) in claims.iter().zip(plans) {
            for due in plan.iter().flat_map(|planned| &planned.plan.due) {
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
    async fn write(&self, claims: &[(Claim, Option<Plan>)], now: Timestamp) -> sqlx::Result<usize> {
        let mut left = Vec::new();
        let mut paid: Vec<&Claim> = Vec::new();
        let mut endings: Vec<Ending> = Vec::new();
        for (claim, plan) in claims {
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
                Some(end @ (End::Expire | End::GiveUp | End::Remove)) => {
                    endings.push(match end {
                        End::Expire => ending(State::Expired, "expired"),
                        End::Remove => ending(State::Dead, "user_removed"),
                        _ => ending(State::Dead, "ladder_ended"),
                    });
                    // What phones show of it is taken back by the next round, which finds it ended.
                    if plan.due.contains(&Due::Withdraw) {
                        left.push(again(claim, now));
                    } else {
                        paid.push(claim);
                    }
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
            store::put_back(&mut tx, &left, now).await?;
        }
        if !paid.is_empty() {
            let users: Vec<Uuid> = paid.iter().map(|claim| claim.user).collect();
            let seqs: Vec<i64> = paid.iter().map(|claim| claim.seq).collect();
            let fences: Vec<i64> = paid.iter().map(|claim| claim.fence).collect();
            store::pay(&mut tx, &users, &seqs, &fences).await?;
        }
        tx.commit().await?;
        if !endings.is_empty() {
            for (claim, _) in claims {
                (self.changed)(claim.tenant);
            }
        }
        Ok(endings.len())
    }
}

/// Claims by who writes what is left of them.
#[derive(Default)]
struct Parted {
    rest: Vec<(Claim, Option<Plan>)>,
    notify: Vec<Job>,
    withdraw: Vec<(Claim, Arc<Class>)>,
}

/// What is due for a claim, by which class.
struct Planned {
    plan: Plan,
    class: Arc<Class>,
}

/// A claim to be looked at again at once.
fn again(claim: &Claim, now: Timestamp) -> Left {
    Left {
        user: claim.user,
        seq: claim.seq,
        fence: claim.fence,
        rung: claim.rung,
        tries: 0,
        push_at: None,
        next_at: now,
    }
}

fn told(result: sqlx::Result<()>) {
    match result {
        Ok(()) => {}
        Err(error) if is_transient(&error) => {
            tracing::debug!(%error, "debts not worked off, will look again");
        }
        Err(error) => tracing::error!(%error, "debts not worked off, will look again"),
    }
}

fn milliseconds(at: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(at).ok()
}

/// 0.0 to 1.0, the same each time for one delivery, so that a rung's time does not change while it is waited
/// for: a claim that comes back plans what the one before it planned, and what the sweep reckoned in SQL
/// (`store::debts::sweep`, where it stands once more).
pub(crate) fn jitter(notification: Uuid, user: Uuid) -> f64 {
    let (n, u) = (notification.as_bytes(), user.as_bytes());
    f64::from(u16::from_be_bytes([u[14] ^ n[14], u[15] ^ n[15]])) / 65_535.0
}
