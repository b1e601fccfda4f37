//! Acks: gathered for a few milliseconds, one transaction for many connections, answered after its
//! commit. Acks are facts: late, doubled, from anywhere, they are unions.
//!
//! Bound: 8,192 waiting calls; over it the caller is told to retry. Database away: the same.

mod devices;
mod meaning;
mod record;
mod settle;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::record::record;
use super::watch::Watch;
use crate::delivery::epoch::Epoch;
use crate::store::Pool;
use crate::store::line::Line;
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;
use crate::webhooks::Interest;

const MOST_WAITING: usize = 8_192;
const MOST_A_COMMIT: usize = 512;
const GATHER: Duration = Duration::from_millis(3);

/// What a device says it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// These numbers, and these notifications whose numbers are to be looked up.
    These {
        /// Numbers.
        seqs: Vec<i64>,
        /// Notifications.
        ids: Vec<Uuid>,
    },
    /// Everything up to this number: "I handled all".
    Through(i64),
    /// The transport proved that these were read; weaker than an ack, and shown so.
    Reached(Vec<i64>),
    /// The same, but not of all before them: some were told in sum only, and the device is still owed them.
    ReachedApart(Vec<i64>),
}

impl What {
    /// Weaker than an ack.
    fn is_reached(&self) -> bool {
        matches!(self, Self::Reached(_) | Self::ReachedApart(_))
    }
}

/// One call of one device.
#[derive(Clone, Debug)]
pub struct Ack {
    /// Whose items.
    pub user: Uuid,
    /// `None`: an unnamed device.
    pub device: Option<Arc<str>>,
    /// Which.
    pub what: What,
    /// `hub`, `http`, `push`, `tap`, `reached`.
    pub via: &'static str,
    /// Of which epoch its numbers are; `None` if it has none, only ids.
    pub epoch: Option<i64>,
    /// Somebody is at the device.
    pub active: bool,
    /// When the device had them, if it says so and that was before now.
    pub at: Option<Timestamp>,
}

/// Nothing was recorded: try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not recorded, the database is away: send the ack again")]
pub struct NotRecorded;

struct Job {
    ack: Ack,
    reply: oneshot::Sender<Result<u32, NotRecorded>>,
}

/// Told after the commit in which tenants deliveries were settled.
pub type OnSettled = Arc<dyn Fn(&BTreeSet<Uuid>) + Send + Sync>;

/// Items newly recorded since the start, by the way they came: written by the gatherer, read by
/// whoever counts.
#[derive(Debug, Default)]
pub struct Tally {
    hub: AtomicU64,
    http: AtomicU64,
    reached: AtomicU64,
}

impl Tally {
    fn add(&self, via: &str, count: u32) {
        let counter = match via {
            "http" | "push" | "tap" => &self.http,
            "reached" => &self.reached,
            _ => &self.hub,
        };
        counter.fetch_add(u64::from(count), Ordering::Relaxed);
    }

    /// `via` and how many.
    #[must_use]
    pub fn read(&self) -> [(&'static str, u64); 3] {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            ("hub", of(&self.hub)),
            ("http", of(&self.http)),
            ("reached", of(&self.reached)),
        ]
    }
}

/// Handle to the gatherer. Cheap to clone.
#[derive(Clone)]
pub struct Acks {
    jobs: mpsc::Sender<Job>,
    tally: Arc<Tally>,
}

impl Acks {
    /// Starts the gathering task; on stop it records what waits, then ends. `bell` is rung when a debt
    /// became due by an ack; the others: who is told of what moved.
    #[must_use]
    pub fn start(
        pool: Pool,
        clock: Clock,
        on_settled: OnSettled,
        (bell, watch, interest): (Arc<Notify>, Arc<Watch>, Arc<Interest>),
        epoch: Epoch,
        life: &Lifecycle,
    ) -> Self {
        let (jobs, waiting) = mpsc::channel(MOST_WAITING);
        let tally = Arc::new(Tally::default());
        let told = Told {
            epoch,
            on_settled,
            bell,
            watch,
            interest,
            tally: tally.clone(),
        };
        life.spawn("acks", run(pool, clock, told, waiting, life.stopping()));
        Self { jobs, tally }
    }

    /// What was recorded so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Records an ack; resolves after the commit with the number newly acked by this device.
    ///
    /// # Errors
    /// [`NotRecorded`]: nothing was, send it again.
    pub async fn record(&self, ack: Ack) -> Result<u32, NotRecorded> {
        let (reply, answer) = oneshot::channel();
        self.jobs
            .try_send(Job { ack, reply })
            .map_err(|_| NotRecorded)?;
        answer.await.unwrap_or(Err(NotRecorded))
    }

    /// Records without waiting, for transport evidence: lost evidence only means a replay that the
    /// client drops.
    pub fn note(&self, ack: Ack) {
        let (reply, _) = oneshot::channel();
        let _ = self.jobs.try_send(Job { ack, reply });
    }
}

/// Who is told of what was recorded, and what is worth recording.
struct Told {
    epoch: Epoch,
    on_settled: OnSettled,
    bell: Arc<Notify>,
    watch: Arc<Watch>,
    interest: Arc<Interest>,
    tally: Arc<Tally>,
}

async fn run(
    pool: Pool,
    clock: Clock,
    told: Told,
    mut waiting: mpsc::Receiver<Job>,
    stopping: CancellationToken,
) {
    let mut line = Line::new(pool);
    let mut batch = Vec::new();
    loop {
        let received = tokio::select! {
            biased;
            count = waiting.recv_many(&mut batch, MOST_A_COMMIT) => count,
            () = stopping.cancelled() => {
                waiting.close();
                waiting.recv_many(&mut batch, MOST_A_COMMIT).await
            }
        };
        if received == 0 {
            return;
        }
        if received < MOST_A_COMMIT && !stopping.is_cancelled() {
            tokio::time::sleep(GATHER).await;
            while batch.len() < MOST_A_COMMIT
                && let Ok(job) = waiting.try_recv()
            {
                batch.push(job);
            }
        }
        let jobs = std::mem::take(&mut batch);
        let acks: Vec<&Ack> = jobs.iter().map(|job| &job.ack).collect();
        let mut result = record(&mut line, &clock, &acks, &told).await;
        // Two nodes may ack for one user in the same instant; the loser of a deadlock goes again.
        for _ in 0..2 {
            if !result.as_ref().is_err_and(crate::store::is_transient) {
                break;
            }
            line.drop_it();
            result = record(&mut line, &clock, &acks, &told).await;
        }
        match result {
            Ok(recorded) => {
                if !recorded.tenants.is_empty() {
                    (told.on_settled)(&recorded.tenants);
                }
                if recorded.withdraw {
                    told.bell.notify_one();
                }
                told.watch.moved(&recorded.moved);
                if recorded.noted {
                    told.interest.noted();
                }
                for (job, count) in jobs.into_iter().zip(recorded.counts) {
                    told.tally.add(job.ack.via, count);
                    let _ = job.reply.send(Ok(count));
                }
            }
            Err(error) => {
                line.drop_it();
                tracing::warn!(%error, count = jobs.len(), "acks not recorded");
                for job in jobs {
                    let _ = job.reply.send(Err(NotRecorded));
                }
            }
        }
    }
}
