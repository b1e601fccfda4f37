//! A batch of drafts on its way into the database: names looked up and audiences expanded first, which
//! changes nothing; then keys claimed and all appended; then a verdict a draft.
//!
//! One statement whatever its size where all recipients are named and known ([`Batch::of_known`]), two where they
//! are looked up first, more with groups and keys: each is a round trip that every publisher of the batch waits
//! for. What has many recipients, or its time still before it, is only accepted here;
//! [`super::fanout`] routes it.

mod keys;
mod look_up;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use self::keys::{claim_keys, claims, holders_of};
use self::look_up::{expand, look_up};
use super::committer::Refusal;
use super::draft::Draft;
use super::known::Known;
use super::{Audience, Publication, Routed, ledger, withdraw};
use crate::store::audience::Member;
use crate::store::fanout;
use crate::store::idempotency::Claims;
use crate::store::ledger as rows;

/// More recipients than these are routed in pages. A commit of so many takes some 30 ms, which every publisher
/// behind it waits for.
const MOST_IN_A_COMMIT: i64 = 500;

/// What became of one draft of a batch, before the commit.
pub(super) enum Verdict {
    Refused(Refusal),
    /// Its key is held by an earlier one.
    Duplicate {
        id: Uuid,
        recipients: usize,
    },
    Routed {
        routed: Routed,
        /// Withdrawals of what it takes the place of.
        also: Vec<Routed>,
        unknown: Vec<String>,
    },
    /// Accepted, to be routed in pages.
    Paged {
        id: Uuid,
        recipients: usize,
        unknown: Vec<String>,
    },
}

/// A draft that nothing spoke against yet.
struct Going {
    /// Which draft of the batch.
    draft: usize,
    publication: Arc<Publication>,
    /// Names passed over, because its publisher allowed it.
    unknown: Vec<String>,
    /// Ascending, each with the membership that made it one.
    members: Vec<(Uuid, Option<String>)>,
    /// To be routed in pages: to how many, as far as is known now.
    paged: Option<usize>,
}

/// Drafts whose names were looked up. Writing it twice writes it once: the notifications' ids are its
/// own, and a second row of one id is refused.
pub(super) struct Batch {
    /// Of each draft: why it goes no further, known without writing.
    refused: Vec<Option<Refusal>>,
    going: Vec<Going>,
    /// Nothing was looked up: what is known of the recipients may be out of date, and the statement that writes
    /// sees to it.
    unseen: bool,
}

impl Batch {
    /// A batch of publications to users by name, all of whom are known; `None` for any other. It is written
    /// by one statement, keys included, which fails with [`rows::was_wrong`] when something is not as known:
    /// somebody has left, or a key is held.
    pub(super) fn of_known(drafts: &[&Draft], known: &Known) -> Option<Self> {
        let mut going = Vec::with_capacity(drafts.len());
        for (index, draft) in drafts.iter().enumerate() {
            if !is_plain(draft) {
                return None;
            }
            let mut users = Vec::with_capacity(draft.users.len());
            for key in &draft.users {
                users.push(known.user(draft.publication.tenant, key)?);
            }
            users.sort_unstable();
            going.push(Going {
                draft: index,
                publication: Arc::new(Publication {
                    audience: Audience {
                        users: users.clone(),
                        ..Audience::default()
                    },
                    ..draft.publication.clone()
                }),
                unknown: Vec::new(),
                members: users.into_iter().map(|user| (user, None)).collect(),
                paged: None,
            });
        }
        Some(Self {
            refused: vec![None; drafts.len()],
            going,
            unseen: true,
        })
    }

    /// Nothing was looked up.
    pub(super) fn is_unseen(&self) -> bool {
        self.unseen
    }

    /// Looks up and expands; changes nothing. What it learns is `known` from then on.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub(super) async fn read(
        conn: &mut PgConnection,
        drafts: &[&Draft],
        known: &Known,
        now: Timestamp,
    ) -> sqlx::Result<Self> {
        let mut batch = look_up(conn, drafts, known, now).await?;
        batch.put_aside_large(conn).await?;
        expand(conn, &mut batch.going).await?;
        Ok(batch)
    }

    /// Whether [`Self::write`] is more than one statement.
    pub(super) fn needs_transaction(&self) -> bool {
        !self.unseen
            && self.going.iter().any(|one| {
                let publication = &one.publication;
                publication.idempotency.is_some()
                    || one.paged.is_some()
                    || publication.supersedes.is_some()
                    || publication.collapse_key.is_some()
            })
    }

    /// Claims keys and appends; a verdict a draft, true once it is committed.
    ///
    /// # Errors
    /// Whatever the database answers; the transaction is then void.
    pub(super) async fn write(
        &self,
        conn: &mut PgConnection,
        now: Timestamp,
    ) -> sqlx::Result<Vec<Verdict>> {
        if self.unseen {
            return self.write_unseen(conn, now).await;
        }
        let mut lost = claim_keys(conn, &self.going, now).await?;
        let mut verdicts = self.refusals();
        let mut fresh = Vec::with_capacity(self.going.len());
        for one in &self.going {
            match lost.remove(&one.draft) {
                Some(verdict) => verdicts[one.draft] = Some(verdict),
                None => fresh.push(one),
            }
        }
        let routed = append(conn, &fresh, None, now).await?;
        let later = pages(&fresh, now);
        if !later.ids.is_empty() {
            fanout::insert(conn, &later).await?;
        }
        for (one, routed) in fresh.into_iter().zip(routed) {
            let also = withdraw::replaced(conn, &one.publication, &routed, now).await?;
            verdicts[one.draft] = Some(one.verdict(routed.recipients, also));
        }
        Ok(finished(verdicts))
    }

    async fn write_unseen(
        &self,
        conn: &mut PgConnection,
        now: Timestamp,
    ) -> sqlx::Result<Vec<Verdict>> {
        let all: Vec<&Going> = self.going.iter().collect();
        let (_, claims) = claims(&all);
        let routed = append(conn, &all, Some(&claims), now).await?;
        let verdict = |(one, routed): (&Going, Routed)| one.verdict(routed.recipients, Vec::new());
        Ok(self.going.iter().zip(routed).map(verdict).collect())
    }

    /// Whether a verdict of [`Self::write`], or its error, says that this batch had been written before.
    pub(super) fn was_written(&self, written: &sqlx::Result<Vec<Verdict>>) -> bool {
        match written {
            Ok(verdicts) => self.going.iter().any(|one| {
                matches!(&verdicts[one.draft], Verdict::Duplicate { id, .. } if *id == one.publication.id)
            }),
            Err(error) => error.as_database_error().is_some_and(|db| {
                db.is_unique_violation()
                    && db.table().is_some_and(|table| table.starts_with("notification"))
            }),
        }
    }

    /// The verdicts of a batch that was written and whose answer got lost.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub(super) async fn find(&self, conn: &mut PgConnection) -> sqlx::Result<Vec<Verdict>> {
        let ids: Vec<Uuid> = self.going.iter().map(|one| one.publication.id).collect();
        let present: HashSet<Uuid> = rows::present(conn, &ids).await?.into_iter().collect();
        let mut numbers: HashMap<Uuid, Vec<(Uuid, i64)>> = HashMap::new();
        for (id, user, seq) in rows::numbers(conn, &ids).await? {
            numbers.entry(id).or_default().push((user, seq));
        }
        let (present, absent): (Vec<&Going>, Vec<&Going>) = self
            .going
            .iter()
            .partition(|one| present.contains(&one.publication.id));
        let mut verdicts = self.refusals();
        for one in present {
            let recipients = numbers.remove(&one.publication.id).unwrap_or_default();
            // What it takes back reaches the screens by the ladder: nobody knows its numbers here.
            verdicts[one.draft] = Some(one.verdict(recipients, Vec::new()));
        }
        // It was all or nothing, so those that are not there had lost their key to another.
        for (draft, verdict) in holders_of(conn, &absent).await? {
            verdicts[draft] = Some(verdict);
        }
        Ok(finished(verdicts))
    }

    fn refusals(&self) -> Vec<Option<Verdict>> {
        let refused = self.refused.iter();
        refused
            .map(|refusal| refusal.clone().map(Verdict::Refused))
            .collect()
    }
}

impl Going {
    fn verdict(&self, recipients: Vec<(Uuid, i64)>, also: Vec<Routed>) -> Verdict {
        let unknown = self.unknown.clone();
        if let Some(recipients) = self.paged {
            return Verdict::Paged {
                id: self.publication.id,
                recipients,
                unknown,
            };
        }
        Verdict::Routed {
            routed: Routed {
                publication: self.publication.clone(),
                recipients,
            },
            also,
            unknown,
        }
    }
}

/// Writes those that are not routed in pages, with their recipients. `unseen`: the keys they claim by the same statement.
async fn append(
    conn: &mut PgConnection,
    going: &[&Going],
    unseen: Option<&Claims>,
    now: Timestamp,
) -> sqlx::Result<Vec<Routed>> {
    let mut members = Vec::with_capacity(going.len());
    for (index, one) in going
        .iter()
        .enumerate()
        .filter(|(_, one)| one.paged.is_none())
    {
        members.extend(one.members.iter().map(|(user, via)| Member {
            index,
            user: *user,
            via: via.clone(),
        }));
    }
    let batch = going.iter().map(|one| one.publication.clone()).collect();
    let paged: Vec<Option<usize>> = going.iter().map(|one| one.paged).collect();
    ledger::append_to(conn, batch, &members, &paged, unseen, now).await
}

/// To few users by name, at once, and to nobody else; in the place of nothing and behind nothing.
fn is_plain(draft: &Draft) -> bool {
    let publication = &draft.publication;
    let few = i64::try_from(draft.users.len()).is_ok_and(|count| count <= MOST_IN_A_COMMIT);
    let names = [
        &draft.departments,
        &draft.groups,
        &draft.except.users,
        &draft.except.departments,
        &draft.except.groups,
    ];
    few && names.iter().all(|names| names.is_empty())
        && publication.audience.is_named_only()
        && publication.thread_key.is_none()
        && publication.deliver_at.is_none()
        && publication.supersedes.is_none()
        && publication.collapse_key.is_none()
}

/// The rows of those that are routed in pages.
fn pages(fresh: &[&Going], now: Timestamp) -> fanout::New {
    let mut new = fanout::New::default();
    for one in fresh.iter().filter(|one| one.paged.is_some()) {
        let publication = &one.publication;
        new.ids.push(publication.id);
        new.tenants.push(publication.tenant);
        new.services.push(publication.service);
        new.threads.push(publication.thread_key.clone());
        // An audience of ids and words is always JSON.
        let audience = serde_json::to_string(&publication.audience).unwrap_or_default();
        new.audiences.push(audience);
        let due = publication.deliver_at.unwrap_or(now);
        new.due.push(due.as_microsecond());
    }
    new
}

fn finished(verdicts: Vec<Option<Verdict>>) -> Vec<Verdict> {
    verdicts
        .into_iter()
        .map(|verdict| verdict.unwrap_or(Verdict::Refused(Refusal::Unavailable)))
        .collect()
}
