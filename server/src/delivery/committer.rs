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

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sqlx::Connection as _;
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::draft::Draft;
use super::{Dispatch, Publication, Routed, ledger};
use crate::store::idempotency::{self, Claims};
use crate::store::names::{self, Names};
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

/// What became of one draft of a batch, before the commit.
pub(super) enum Verdict {
    Refused(Refusal),
    Duplicate {
        id: Uuid,
        recipients: usize,
    },
    Routed {
        routed: Routed,
        unknown: Vec<String>,
    },
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
        let verdicts = write(&mut tx, drafts, self.clock.now())
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

/// Looks up, expands, claims keys and appends within the caller's transaction; a verdict a draft.
pub(super) async fn write(
    tx: &mut sqlx::PgConnection,
    drafts: &[&Draft],
    now: jiff::Timestamp,
) -> sqlx::Result<Vec<Verdict>> {
    let mut looked_up = look_up(tx, drafts).await?;
    let mut verdicts: Vec<Option<Verdict>> = drafts.iter().map(|_| None).collect();
    let mut batch: Vec<(usize, Arc<Publication>)> = Vec::new();
    for (index, draft) in drafts.iter().enumerate() {
        let names = &mut looked_up[index];
        if names.unknown.is_empty() || draft.allow_unknown {
            let mut publication = draft.publication.clone();
            names.audience.service = publication.audience.service;
            publication.audience = std::mem::take(&mut names.audience);
            batch.push((index, Arc::new(publication)));
        } else {
            let unknown = std::mem::take(&mut names.unknown);
            verdicts[index] = Some(Verdict::Refused(Refusal::Unknown(unknown)));
        }
    }

    let publications: Vec<Arc<Publication>> = batch.iter().map(|(_, p)| p.clone()).collect();
    let members = match named_only(&publications) {
        Some(members) => members,
        None => store::ledger::expand(tx, &publications).await?,
    };
    let mut counts = vec![0_usize; publications.len()];
    for member in &members {
        counts[member.index] += 1;
    }
    let refused = claim_keys(tx, &publications, &counts, now).await?;

    // Only those whose key was free go on; their indices close ranks.
    let mut place = vec![None; publications.len()];
    let mut fresh = Vec::new();
    for (index, publication) in publications.iter().enumerate() {
        match refused.get(&publication.id) {
            Some(Ok((id, recipients))) => {
                verdicts[batch[index].0] = Some(Verdict::Duplicate {
                    id: *id,
                    recipients: *recipients,
                });
            }
            Some(Err(refusal)) => {
                verdicts[batch[index].0] = Some(Verdict::Refused(refusal.clone()));
            }
            None => {
                place[index] = Some(fresh.len());
                fresh.push(publication.clone());
            }
        }
    }
    let members: Vec<_> = members
        .into_iter()
        .filter_map(|member| {
            place[member.index].map(|index| store::ledger::Member {
                index,
                user: member.user,
            })
        })
        .collect();
    let mut routed = if fresh.is_empty() {
        Vec::new()
    } else {
        ledger::append_to(tx, fresh, &members, now).await?
    }
    .into_iter();
    for (index, slot) in place.iter().enumerate() {
        if slot.is_some()
            && let Some(routed) = routed.next()
        {
            let origin = batch[index].0;
            let unknown = looked_up[origin]
                .unknown
                .iter()
                .map(|(field, name)| format!("{field} \"{name}\""))
                .collect();
            verdicts[origin] = Some(Verdict::Routed { routed, unknown });
        }
    }
    Ok(verdicts
        .into_iter()
        .map(|verdict| verdict.unwrap_or(Verdict::Refused(Refusal::Unavailable)))
        .collect())
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

#[derive(Default)]
struct LookedUp {
    audience: super::Audience,
    unknown: Vec<(&'static str, String)>,
}

async fn look_up(tx: &mut sqlx::PgConnection, drafts: &[&Draft]) -> sqlx::Result<Vec<LookedUp>> {
    let mut wanted = Names::default();
    for (index, draft) in (0_i32..).zip(drafts) {
        for (kind, keys) in [
            (0, &draft.users),
            (1, &draft.departments),
            (2, &draft.groups),
        ] {
            for key in keys {
                wanted.index.push(index);
                wanted.tenants.push(draft.publication.tenant);
                wanted.kinds.push(kind);
                wanted.keys.push(key.clone());
            }
        }
    }
    let mut result: Vec<LookedUp> = drafts.iter().map(|_| LookedUp::default()).collect();
    if wanted.keys.is_empty() {
        return Ok(result);
    }
    for found in names::look_up(tx, &wanted).await? {
        let Some(entry) = usize::try_from(found.index)
            .ok()
            .and_then(|i| result.get_mut(i))
        else {
            continue;
        };
        let (list, field) = match found.kind {
            0 => (&mut entry.audience.users, "user"),
            1 => (&mut entry.audience.departments, "department"),
            _ => (&mut entry.audience.groups, "group"),
        };
        match found.id {
            Some(id) => list.push(id),
            None => entry.unknown.push((field, found.key)),
        }
    }
    for entry in &mut result {
        entry.unknown.sort_unstable();
    }
    Ok(result)
}

/// The members of a batch whose audiences are users by name and nothing else: [`look_up`] has just
/// read them, active ones only, so there is nothing to expand.
fn named_only(batch: &[Arc<Publication>]) -> Option<Vec<store::ledger::Member>> {
    let mut members = BTreeSet::new();
    for (index, publication) in batch.iter().enumerate() {
        let audience = &publication.audience;
        if audience.service || !audience.departments.is_empty() || !audience.groups.is_empty() {
            return None;
        }
        members.extend(audience.users.iter().map(|user| (*user, index)));
    }
    let member = |(user, index)| store::ledger::Member { index, user };
    Some(members.into_iter().map(member).collect())
}

type KeyVerdict = Result<(Uuid, usize), Refusal>;

/// Claims the batch's idempotency keys; answers those that were not free, by their publication.
async fn claim_keys(
    tx: &mut sqlx::PgConnection,
    publications: &[Arc<Publication>],
    counts: &[usize],
    now: jiff::Timestamp,
) -> sqlx::Result<HashMap<Uuid, KeyVerdict>> {
    let mut keyed: Vec<_> = publications
        .iter()
        .zip(counts)
        .filter_map(|(p, count)| p.idempotency.as_ref().map(|key| (p, key, *count)))
        .collect();
    if keyed.is_empty() {
        return Ok(HashMap::new());
    }
    keyed.sort_by_key(|(p, key, _)| (p.service, key.key_hash));
    let mut claims = Claims::default();
    for (publication, key, count) in &keyed {
        claims.services.push(publication.service);
        claims.key_hashes.push(key.key_hash.to_vec());
        claims.body_hashes.push(key.body_hash.to_vec());
        claims.notifications.push(publication.id);
        claims
            .recipients
            .push(i32::try_from(*count).unwrap_or(i32::MAX));
    }
    let won = idempotency::claim(tx, &claims, now).await?;
    if won.len() == keyed.len() {
        return Ok(HashMap::new());
    }
    let holders = idempotency::holders(tx, &claims).await?;
    let mut refused = HashMap::new();
    for (publication, key, _) in keyed {
        if won.contains(&publication.id) {
            continue;
        }
        let holder = holders
            .iter()
            .find(|held| held.service == publication.service && held.key_hash == key.key_hash);
        let verdict = match holder {
            Some(held) if held.body_hash == key.body_hash => Ok((
                held.notification,
                usize::try_from(held.recipients).unwrap_or(0),
            )),
            Some(_) => Err(Refusal::KeyReused),
            // Deleted by age between the two statements: the caller may simply try again.
            None => Err(Refusal::Unavailable),
        };
        refused.insert(publication.id, verdict);
    }
    Ok(refused)
}
