//! Group commit without a timer: while one batch commits, the next gathers. An idle server commits
//! one publication at once; a busy one fills batches by itself (64 a commit carry as much as 128:
//! `docs/decisions/0003-group-commit.md`).
//!
//! Guarantees: an answer comes after the commit; when the connection breaks during it, the same batch is
//! written again on another one before anybody is answered, which finds it if it was committed and
//! commits it if not; a guilty publication is refused alone. The committer dispatches, not
//! the caller's future: a caller may be gone.
//!
//! Two lines to the database: while one waits for its commit the other reads or writes. What is to keep its order
//! ([`Committer::publish_all`]) goes by the first alone, and the second helps with the rest once there is
//! something worth a commit of its own.
//!
//! Bound: 4,096 waiting publications of either sort, a quarter of that of one service; over it the publisher is
//! told to come again (503). Services take turns ([`super::fair`]).

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use sqlx::Connection as _;
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use super::batch::{Batch, Verdict};
use super::classes::Classes;
use super::draft::Draft;
use super::fair::Fair;
use super::known::Known;
use super::{Dispatch, Routed};
use crate::store::line::Line;
use crate::store::{self, Pool};
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;

const MOST_WAITING: usize = 4_096;
const MOST_A_COMMIT: usize = 128;
/// So many must wait before the second line takes them while the first is busy: the fewer share a commit, the more
/// each costs.
const WORTH_A_LINE: usize = 8;
/// Of one batch that gave way to another transaction, or whose connection broke.
const MOST_TRIES: u32 = 3;

/// What a publisher learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The notification's id; the first one's for a duplicate.
    pub id: Uuid,
    /// To how many users.
    pub recipients: usize,
    /// The idempotency key was known: nothing was published now.
    pub duplicate: bool,
    /// Names passed over, `user "x"`; only with `allow_unknown`.
    pub unknown: Vec<String>,
}

/// Why nothing was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Names that do not exist in the tenant, as `(field, name)`.
    Unknown(Vec<(&'static str, String)>),
    /// More recipients than the tenant allows.
    TooMany {
        /// How many.
        count: i64,
        /// How many it allows.
        most: i64,
    },
    /// The idempotency key was used with another body.
    KeyReused,
    /// The database refused this very publication.
    Invalid(String),
    /// The database is away, or too much is waiting.
    Unavailable,
}

struct Job {
    draft: Draft,
    reply: oneshot::Sender<Result<Accepted, Refusal>>,
}

/// Handle to the committer. Cheap to clone.
#[derive(Clone)]
pub struct Committer {
    waiting: Arc<Waiting>,
}

/// What waits for the workers.
struct Waiting {
    jobs: Mutex<Queue>,
    /// The first line's, and the second's.
    bells: [Notify; 2],
}

struct Queue {
    /// In any order.
    single: Fair<Uuid, Job>,
    /// In this order: the first line's alone.
    ordered: Fair<Uuid, Job>,
    /// The first line is at something.
    busy: bool,
    /// The process stops: no new ones.
    closed: bool,
}

impl Waiting {
    /// What the line with this number does next.
    fn take(&self, line: usize, stopping: bool, weight: impl Fn(&Uuid) -> usize) -> Vec<Job> {
        let mut queue = self.jobs.lock();
        // No new ones; those that wait are still committed.
        queue.closed |= stopping;
        let mut jobs = Vec::new();
        if line == 0 {
            // Half of it at most, so that what is single does not wait behind a thousand.
            jobs = queue.ordered.take(MOST_A_COMMIT / 2, &weight);
        } else if queue.single.len() < WORTH_A_LINE {
            return jobs;
        }
        let room = MOST_A_COMMIT - jobs.len();
        jobs.append(&mut queue.single.take(room, &weight));
        if line == 0 {
            queue.busy = !jobs.is_empty();
        }
        jobs
    }

    fn push(&self, job: Job, in_order: bool) -> Result<(), Box<Draft>> {
        let service = job.draft.publication.service;
        let mut queue = self.jobs.lock();
        if queue.closed {
            return Err(Box::new(job.draft));
        }
        let of = if in_order {
            &mut queue.ordered
        } else {
            &mut queue.single
        };
        of.push(service, job).map_err(|job| Box::new(job.draft))?;
        let second = queue.busy && queue.single.len() >= WORTH_A_LINE;
        drop(queue);
        self.bells[usize::from(second)].notify_one();
        Ok(())
    }
}

/// What the committer needs.
pub struct Needs {
    /// Where publications are written.
    pub pool: Pool,
    /// When it is.
    pub clock: Clock,
    /// Where they go after the commit.
    pub dispatch: Arc<dyn Dispatch>,
    /// Which service has which weight.
    pub classes: Arc<Classes>,
    /// Rung when something is to be routed in pages.
    pub pages: Arc<Notify>,
}

impl Committer {
    /// Starts the committing task; it stops when the process does, after what is waiting.
    #[must_use]
    pub fn start(needs: Needs, life: &Lifecycle) -> Self {
        let waiting = Arc::new(Waiting {
            jobs: Mutex::new(Queue {
                single: Fair::new(MOST_WAITING),
                ordered: Fair::new(MOST_WAITING),
                busy: false,
                closed: false,
            }),
            bells: [Notify::new(), Notify::new()],
        });
        let known = Arc::new(Known::default());
        for number in 0..waiting.bells.len() {
            let worker = Worker {
                number,
                line: Line::new(needs.pool.clone()),
                clock: needs.clock.clone(),
                dispatch: needs.dispatch.clone(),
                classes: needs.classes.clone(),
                pages: needs.pages.clone(),
                known: known.clone(),
            };
            life.spawn("committer", worker.run(waiting.clone(), life.stopping()));
        }
        Self { waiting }
    }

    /// Publishes; resolves after the commit.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing was published then.
    pub async fn publish(&self, draft: Draft) -> Result<Accepted, Refusal> {
        match self.push(draft, false) {
            Ok(answer) => answer.await.unwrap_or(Err(Refusal::Unavailable)),
            Err(_) => Err(Refusal::Unavailable),
        }
    }

    /// Publishes in this order, each by itself; the answers in the same order. Waits where [`Self::publish`]
    /// would refuse, as long as something of these is under way.
    pub async fn publish_all(&self, drafts: Vec<Draft>) -> Vec<Result<Accepted, Refusal>> {
        let count = drafts.len();
        let mut answers = Vec::with_capacity(count);
        let mut under_way = VecDeque::new();
        for draft in drafts {
            let mut again = draft;
            loop {
                match self.push(again, true) {
                    Ok(answer) => {
                        under_way.push_back(Some(answer));
                        break;
                    }
                    Err(back) => {
                        let Some(first) = under_way.pop_front() else {
                            under_way.push_back(None); // the queue is full of others'
                            break;
                        };
                        answers.push(settled(first).await);
                        again = *back;
                    }
                }
            }
        }
        for one in under_way {
            answers.push(settled(one).await);
        }
        answers
    }

    fn push(&self, draft: Draft, in_order: bool) -> Result<Answer, Box<Draft>> {
        let (reply, answer) = oneshot::channel();
        self.waiting.push(Job { draft, reply }, in_order)?;
        Ok(answer)
    }
}

type Answer = oneshot::Receiver<Result<Accepted, Refusal>>;

async fn settled(answer: Option<Answer>) -> Result<Accepted, Refusal> {
    match answer {
        Some(answer) => answer.await.unwrap_or(Err(Refusal::Unavailable)),
        None => Err(Refusal::Unavailable),
    }
}

struct Worker {
    /// Which line's.
    number: usize,
    line: Line,
    clock: Clock,
    dispatch: Arc<dyn Dispatch>,
    classes: Arc<Classes>,
    pages: Arc<Notify>,
    known: Arc<Known>,
}

enum Failure {
    /// Nothing was committed.
    Before(sqlx::Error),
    /// What would have committed was sent, and its answer never came.
    During(sqlx::Error),
}

impl Worker {
    async fn run(mut self, waiting: Arc<Waiting>, stopping: tokio_util::sync::CancellationToken) {
        loop {
            let weight = |service: &Uuid| self.classes.weight(*service);
            let batch = waiting.take(self.number, stopping.is_cancelled(), weight);
            if !batch.is_empty() {
                self.settle(batch).await;
                continue;
            }
            if stopping.is_cancelled() {
                return;
            }
            tokio::select! {
                () = waiting.bells[self.number].notified() => {}
                () = stopping.cancelled() => {}
            }
        }
    }

    /// Commits a batch, splitting it until the guilty one stands alone. Never gives up on the rest.
    async fn settle(&mut self, jobs: Vec<Job>) {
        let mut work = vec![jobs];
        while let Some(mut jobs) = work.pop() {
            match self.commit(&jobs).await {
                Ok(verdicts) => self.answer(jobs, verdicts),
                Err(error) if is_guilt(&error) && jobs.len() > 1 => {
                    let second = jobs.split_off(jobs.len() / 2);
                    work.push(second);
                    work.push(jobs);
                }
                Err(error) if is_guilt(&error) => {
                    refuse(jobs, &Refusal::Invalid(error.to_string()));
                }
                Err(error) => {
                    tracing::warn!(%error, count = jobs.len(), "batch not committed");
                    refuse(jobs, &Refusal::Unavailable);
                }
            }
        }
    }

    /// Commits a batch, in several tries if need be.
    async fn commit(&mut self, jobs: &[Job]) -> sqlx::Result<Vec<Verdict>> {
        let done = self.commit_on_the_line(jobs).await;
        if done.is_err() {
            self.line.drop_it();
        }
        done
    }

    async fn commit_on_the_line(&mut self, jobs: &[Job]) -> sqlx::Result<Vec<Verdict>> {
        let drafts: Vec<&Draft> = jobs.iter().map(|job| &job.draft).collect();
        let now = self.clock.now();
        let mut batch = match Batch::of_known(&drafts, &self.known) {
            Some(batch) => batch,
            None => Batch::read(self.line.open().await?, &drafts, &self.known, now).await?,
        };
        let mut tries = 0;
        let mut in_doubt = false;
        loop {
            let done = if in_doubt {
                self.write_again(&batch).await
            } else {
                self.write(&batch).await
            };
            match done {
                Ok(verdicts) => {
                    if batch.needs_transaction() {
                        self.pages.notify_one();
                    }
                    return Ok(verdicts);
                }
                // Nothing was written. This comes once: the next batch is one that was looked up.
                Err(Failure::Before(error))
                    if batch.is_unseen() && store::ledger::was_wrong(&error) =>
                {
                    self.known.forget(&drafts);
                    let conn = self.line.open().await?;
                    batch = Batch::read(conn, &drafts, &self.known, now).await?;
                }
                Err(Failure::During(error)) if tries < MOST_TRIES => {
                    tracing::warn!(%error, "the connection broke during a commit, which is made again");
                    in_doubt = true;
                    self.line.drop_it();
                }
                Err(Failure::Before(error)) if gave_way(&error) && tries < MOST_TRIES => {}
                Err(Failure::Before(error) | Failure::During(error)) => return Err(error),
            }
            tries += 1;
        }
    }

    /// Mostly one statement is the whole transaction: begin and commit would be two more round trips.
    async fn write(&mut self, batch: &Batch) -> Result<Vec<Verdict>, Failure> {
        let now = self.clock.now();
        let conn = self.line.open().await.map_err(Failure::Before)?;
        if !batch.needs_transaction() {
            return batch.write(conn, now).await.map_err(Failure::of);
        }
        let mut tx = conn.begin().await.map_err(Failure::Before)?;
        let verdicts = batch.write(&mut tx, now).await.map_err(Failure::Before)?;
        tx.commit().await.map_err(Failure::of)?;
        Ok(verdicts)
    }

    /// Writes a batch of which nobody knows whether it was committed, by another connection.
    ///
    /// The server may still be at it, and what was sent may still lie in some proxy. So absence is no
    /// fact until this one has written: it waits for the other's locks, finds the ids taken if the other
    /// committed, and has taken them itself if not.
    async fn write_again(&mut self, batch: &Batch) -> Result<Vec<Verdict>, Failure> {
        let now = self.clock.now();
        let conn = self.line.open().await.map_err(Failure::Before)?;
        let mut tx = conn.begin().await.map_err(Failure::Before)?;
        let patience = store::ledger::wait_at_most_5_s(&mut tx).await;
        patience.map_err(Failure::Before)?;
        let written = batch.write(&mut tx, now).await;
        if batch.was_written(&written) {
            tx.rollback().await.map_err(Failure::During)?;
            return batch.find(conn).await.map_err(Failure::During);
        }
        let verdicts = written.map_err(Failure::Before)?;
        tx.commit().await.map_err(Failure::of)?;
        Ok(verdicts)
    }

    /// Dispatches, then answers: the device comes before the publisher's receipt.
    fn answer(&self, batch: Vec<Job>, verdicts: Vec<Verdict>) {
        let mut routed: Vec<Routed> = Vec::with_capacity(verdicts.len());
        for verdict in &verdicts {
            if let Verdict::Routed {
                routed: one, also, ..
            } = verdict
            {
                routed.push(one.clone());
                routed.extend_from_slice(also);
            }
        }
        self.dispatch.deliver(&routed);
        for (job, verdict) in batch.into_iter().zip(verdicts) {
            let answer = match verdict {
                Verdict::Refused(refusal) => Err(refusal),
                Verdict::Duplicate { id, recipients } => Ok(Accepted {
                    id,
                    recipients,
                    duplicate: true,
                    unknown: Vec::new(),
                }),
                Verdict::Paged {
                    id,
                    recipients,
                    unknown,
                } => Ok(Accepted {
                    id,
                    recipients,
                    duplicate: false,
                    unknown,
                }),
                Verdict::Routed {
                    routed, unknown, ..
                } => Ok(Accepted {
                    id: routed.publication.id,
                    recipients: routed.recipients.len(),
                    duplicate: false,
                    unknown,
                }),
            };
            // The caller may be gone; what was committed stays committed.
            let _ = job.reply.send(answer);
        }
    }
}

impl Failure {
    /// Of what would have committed. An error that leaves the connection standing means that it rolled
    /// back. A broken wire leaves doubt, and so does a server that says goodbye instead of an answer.
    fn of(error: sqlx::Error) -> Self {
        if is_plain(&error) || matches!(error, sqlx::Error::Encode(_)) {
            Self::Before(error)
        } else {
            Self::During(error)
        }
    }
}

fn refuse(batch: Vec<Job>, refusal: &Refusal) {
    for job in batch {
        let _ = job.reply.send(Err(refusal.clone()));
    }
}

fn sqlstate(error: &sqlx::Error) -> Option<String> {
    error
        .as_database_error()
        .and_then(|db| db.code().map(std::borrow::Cow::into_owned))
}

/// An error of the statement alone: FATAL and PANIC end the connection, and may come instead of the
/// answer to a COMMIT that was carried out.
fn is_plain(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|db| {
        db.try_downcast_ref::<PgDatabaseError>()
            .is_some_and(|db| db.severity() == PgSeverity::Error)
    })
}

/// Serialisation failure or deadlock: the same batch again may pass.
pub(super) fn gave_way(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| code == "40001" || code == "40P01")
}

/// Bad data or a constraint: some publication of the batch is to blame.
pub(super) fn is_guilt(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Encode(_))
        || sqlstate(error).is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}
