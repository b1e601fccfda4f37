//! Group commit without a timer: while one batch commits, the next gathers. An idle server commits
//! one publication at once; a busy one fills batches by itself (64 a commit carry as much as 128:
//! `docs/decisions/0003-group-commit.md`).
//!
//! Guarantees: an answer comes after the commit; when the connection breaks after COMMIT was sent, the
//! batch is looked up on another one before anybody is answered, and committed again only if it is
//! surely not in the database; a guilty publication is refused alone. The committer dispatches, not
//! the caller's future: a caller may be gone.
//!
//! Bound: 4,096 waiting publications; over it the publisher is told to come again (503).

use std::sync::Arc;

use sqlx::Connection as _;
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::batch::{self, Verdict};
use super::draft::Draft;
use super::{Dispatch, Routed};
use crate::store::{self, Pool};
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;

const MOST_WAITING: usize = 4_096;
const MOST_A_COMMIT: usize = 128;

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
    jobs: mpsc::Sender<Job>,
}

impl Committer {
    /// Starts the committing task; it stops when the process does, after what is waiting.
    #[must_use]
    pub fn start(pool: Pool, clock: Clock, dispatch: Arc<dyn Dispatch>, life: &Lifecycle) -> Self {
        let (jobs, waiting) = mpsc::channel(MOST_WAITING);
        let worker = Worker {
            pool,
            clock,
            dispatch,
        };
        life.spawn("committer", worker.run(waiting, life.stopping()));
        Self { jobs }
    }

    /// Publishes; resolves after the commit.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing was published then.
    pub async fn publish(&self, draft: Draft) -> Result<Accepted, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.jobs
            .try_send(Job { draft, reply })
            .map_err(|_| Refusal::Unavailable)?;
        answer.await.unwrap_or(Err(Refusal::Unavailable))
    }
}

struct Worker {
    pool: Pool,
    clock: Clock,
    dispatch: Arc<dyn Dispatch>,
}

/// What became of a batch whose COMMIT was sent and not answered.
enum Fate {
    Committed,
    RolledBack,
    Unknown,
}

enum Failure {
    /// Nothing was committed.
    Before(sqlx::Error),
    /// COMMIT was sent and its answer never came.
    During(sqlx::Error, Vec<Verdict>),
}

impl Worker {
    async fn run(
        self,
        mut waiting: mpsc::Receiver<Job>,
        stopping: tokio_util::sync::CancellationToken,
    ) {
        let mut batch = Vec::with_capacity(MOST_A_COMMIT);
        loop {
            let received = tokio::select! {
                biased;
                count = waiting.recv_many(&mut batch, MOST_A_COMMIT) => count,
                () = stopping.cancelled() => {
                    // No new ones; those that wait are still committed.
                    waiting.close();
                    waiting.recv_many(&mut batch, MOST_A_COMMIT).await
                }
            };
            if received == 0 {
                return;
            }
            self.settle(std::mem::take(&mut batch)).await;
        }
    }

    /// Commits a batch, splitting it until the guilty one stands alone. Never gives up on the rest.
    async fn settle(&self, batch: Vec<Job>) {
        let mut work = vec![batch];
        while let Some(batch) = work.pop() {
            let mut tries = 0;
            loop {
                let drafts: Vec<&Draft> = batch.iter().map(|job| &job.draft).collect();
                match self.commit(&drafts).await {
                    Ok(verdicts) => {
                        self.answer(batch, verdicts);
                        break;
                    }
                    Err(Failure::During(error, verdicts)) => {
                        tracing::warn!(%error, "connection broke during COMMIT, looking up");
                        match self.what_became(&verdicts).await {
                            Fate::Committed => {
                                self.answer(batch, verdicts);
                                break;
                            }
                            Fate::RolledBack if tries < 3 => tries += 1,
                            Fate::RolledBack | Fate::Unknown => {
                                refuse(batch, &Refusal::Unavailable);
                                break;
                            }
                        }
                    }
                    Err(Failure::Before(error)) if gave_way(&error) && tries < 3 => tries += 1,
                    Err(Failure::Before(error)) if is_guilt(&error) => {
                        if batch.len() == 1 {
                            refuse(batch, &Refusal::Invalid(error.to_string()));
                        } else {
                            let mut first = batch;
                            let second = first.split_off(first.len() / 2);
                            work.push(second);
                            work.push(first);
                        }
                        break;
                    }
                    Err(Failure::Before(error)) => {
                        tracing::warn!(%error, count = batch.len(), "batch not committed");
                        refuse(batch, &Refusal::Unavailable);
                        break;
                    }
                }
            }
        }
    }

    async fn commit(&self, drafts: &[&Draft]) -> Result<Vec<Verdict>, Failure> {
        let mut conn = self.pool.acquire().await.map_err(Failure::Before)?;
        let mut tx = conn.begin().await.map_err(Failure::Before)?;
        let verdicts = batch::write(&mut tx, drafts, self.clock.now())
            .await
            .map_err(Failure::Before)?;
        match tx.commit().await {
            Ok(()) => Ok(verdicts),
            // An error that leaves the connection standing means that it rolled back. A broken wire
            // leaves doubt, and so does a server that says goodbye instead of an answer.
            Err(error) if is_plain(&error) => Err(Failure::Before(error)),
            Err(error) => Err(Failure::During(error, verdicts)),
        }
    }

    /// Dispatches, then answers: the device comes before the publisher's receipt.
    fn answer(&self, batch: Vec<Job>, verdicts: Vec<Verdict>) {
        let routed: Vec<Routed> = verdicts
            .iter()
            .filter_map(|verdict| match verdict {
                Verdict::Routed { routed, .. } => Some(routed.clone()),
                _ => None,
            })
            .collect();
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
                Verdict::Routed { routed, unknown } => Ok(Accepted {
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

    /// Asks on another connection what became of a batch whose COMMIT was not answered.
    ///
    /// The server may still be at it: its side of the broken connection notices nothing until it has
    /// committed. It holds its recipients' streams until then, so locking one of them waits for its
    /// end, and only then is absence a fact. One row tells for all.
    async fn what_became(&self, verdicts: &[Verdict]) -> Fate {
        let routed = verdicts.iter().filter_map(|verdict| match verdict {
            Verdict::Routed { routed, .. } => Some(routed),
            _ => None,
        });
        let ids: Vec<Uuid> = routed.clone().map(|routed| routed.publication.id).collect();
        if ids.is_empty() {
            return Fate::Committed; // only refusals and duplicates: true whatever became of it
        }
        let recipient = routed
            .flat_map(|routed| &routed.recipients)
            .map(|(user, _)| *user)
            .next();
        match self.present(&ids, recipient).await {
            Ok(true) => Fate::Committed,
            Ok(false) if recipient.is_some() => Fate::RolledBack,
            Ok(false) => Fate::Unknown, // it locked nothing that could be waited for
            Err(error) => {
                tracing::warn!(%error, count = ids.len(), "the batch could not be looked up");
                Fate::Unknown
            }
        }
    }

    /// Are they in the database, once nobody is at work on `after`?
    async fn present(&self, ids: &[Uuid], after: Option<Uuid>) -> sqlx::Result<bool> {
        let mut conn = self.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        if let Some(user) = after {
            store::ledger::wait_for(&mut tx, user).await?;
        }
        let found = store::ledger::present(&mut tx, ids).await?;
        drop(tx); // a failing ROLLBACK takes nothing back
        Ok(found.len() == ids.len())
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
