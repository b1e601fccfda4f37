//! A batch of drafts on its way into the database: names looked up and audiences expanded first, which
//! changes nothing; then keys claimed and all appended; then a verdict a draft.
//!
//! Two statements whatever its size, three or four with groups and keys: each is a round trip that
//! every publisher of the batch waits for.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::committer::Refusal;
use super::draft::Draft;
use super::{Audience, Publication, Routed, ledger};
use crate::store::idempotency::{self, Claims};
use crate::store::ledger::{self as rows, Member};
use crate::store::names::{self, Names};

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
}

/// Drafts whose names were looked up. Writing it twice writes it once: the notifications' ids are its
/// own, and a second row of one id is refused.
pub(super) struct Batch {
    /// Of each draft: why it goes no further, known without writing.
    refused: Vec<Option<Refusal>>,
    going: Vec<Going>,
}

impl Batch {
    /// Looks up and expands; changes nothing.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub(super) async fn read(conn: &mut PgConnection, drafts: &[&Draft]) -> sqlx::Result<Self> {
        let mut batch = look_up(conn, drafts).await?;
        expand(conn, &mut batch.going).await?;
        Ok(batch)
    }

    /// Without keys, [`Self::write`] is one statement.
    pub(super) fn has_keys(&self) -> bool {
        let mut going = self.going.iter();
        going.any(|one| one.publication.idempotency.is_some())
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
        let mut lost = claim_keys(conn, &self.going, now).await?;
        let mut verdicts = self.refusals();
        let mut fresh = Vec::with_capacity(self.going.len());
        for one in &self.going {
            match lost.remove(&one.draft) {
                Some(verdict) => verdicts[one.draft] = Some(verdict),
                None => fresh.push(one),
            }
        }
        let mut members = Vec::new();
        for (index, one) in fresh.iter().enumerate() {
            members.extend(one.members.iter().map(|(user, via)| Member {
                index,
                user: *user,
                via: via.clone(),
            }));
        }
        let batch = fresh.iter().map(|one| one.publication.clone()).collect();
        let routed = ledger::append_to(conn, batch, &members, now).await?;
        for (one, routed) in fresh.into_iter().zip(routed) {
            verdicts[one.draft] = Some(one.routed(routed.recipients));
        }
        Ok(finished(verdicts))
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
            verdicts[one.draft] = Some(one.routed(recipients));
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
    fn routed(&self, recipients: Vec<(Uuid, i64)>) -> Verdict {
        Verdict::Routed {
            routed: Routed {
                publication: self.publication.clone(),
                recipients,
            },
            unknown: self.unknown.clone(),
        }
    }
}

fn finished(verdicts: Vec<Option<Verdict>>) -> Vec<Verdict> {
    verdicts
        .into_iter()
        .map(|verdict| verdict.unwrap_or(Verdict::Refused(Refusal::Unavailable)))
        .collect()
}

/// Inner ids for the names of all drafts; refuses those that name what is not there.
async fn look_up(conn: &mut PgConnection, drafts: &[&Draft]) -> sqlx::Result<Batch> {
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
    let found = if wanted.keys.is_empty() {
        Vec::new()
    } else {
        names::look_up(conn, &wanted).await?
    };
    let mut audiences: Vec<Audience> = drafts.iter().map(|_| Audience::default()).collect();
    let mut unknown: Vec<Vec<(&'static str, String)>> = vec![Vec::new(); drafts.len()];
    for name in found {
        let Some(index) = usize::try_from(name.index)
            .ok()
            .filter(|index| *index < drafts.len())
        else {
            continue;
        };
        let audience = &mut audiences[index];
        let (list, field) = match name.kind {
            0 => (&mut audience.users, "user"),
            1 => (&mut audience.departments, "department"),
            _ => (&mut audience.groups, "group"),
        };
        match name.id {
            Some(id) => list.push(id),
            None => unknown[index].push((field, name.key)),
        }
    }
    let mut refused = vec![None; drafts.len()];
    let mut going = Vec::with_capacity(drafts.len());
    for (index, (mut audience, mut unknown)) in audiences.into_iter().zip(unknown).enumerate() {
        let draft = drafts[index];
        unknown.sort_unstable();
        if !unknown.is_empty() && !draft.allow_unknown {
            refused[index] = Some(Refusal::Unknown(unknown));
            continue;
        }
        audience.service = draft.publication.audience.service;
        going.push(Going {
            draft: index,
            publication: Arc::new(Publication {
                audience,
                ..draft.publication.clone()
            }),
            unknown: unknown
                .iter()
                .map(|(field, name)| format!("{field} \"{name}\""))
                .collect(),
            members: Vec::new(),
        });
    }
    Ok(Batch { refused, going })
}

/// The members of each audience. Users by name and nothing else need no statement: [`look_up`] has
/// just read them, active ones only.
async fn expand(conn: &mut PgConnection, going: &mut [Going]) -> sqlx::Result<()> {
    let named_only = going.iter().all(|one| {
        let audience = &one.publication.audience;
        !audience.service && audience.departments.is_empty() && audience.groups.is_empty()
    });
    if named_only {
        for one in going {
            let users: BTreeSet<Uuid> = one.publication.audience.users.iter().copied().collect();
            one.members = users.into_iter().map(|user| (user, None)).collect();
        }
        return Ok(());
    }
    let batch: Vec<_> = going.iter().map(|one| one.publication.clone()).collect();
    for member in rows::expand(conn, &batch).await? {
        going[member.index].members.push((member.user, member.via));
    }
    Ok(())
}

/// Takes the idempotency keys; a verdict for those whose key is held by another, by draft.
async fn claim_keys(
    conn: &mut PgConnection,
    going: &[Going],
    now: Timestamp,
) -> sqlx::Result<HashMap<usize, Verdict>> {
    let going: Vec<&Going> = going.iter().collect();
    let (keyed, claims) = claims(&going);
    if keyed.is_empty() {
        return Ok(HashMap::new());
    }
    let won = idempotency::claim(conn, &claims, now).await?;
    let lost: Vec<&Going> = keyed
        .into_iter()
        .filter(|one| !won.contains(&one.publication.id))
        .collect();
    holders_of(conn, &lost).await
}

/// What the holders of their keys make of these.
async fn holders_of(
    conn: &mut PgConnection,
    lost: &[&Going],
) -> sqlx::Result<HashMap<usize, Verdict>> {
    let (lost, claims) = claims(lost);
    if lost.is_empty() {
        return Ok(HashMap::new());
    }
    let holders = idempotency::holders(conn, &claims).await?;
    let verdict = |(index, one): (usize, &Going)| {
        let holder = holders.iter().find(|held| {
            held.service == one.publication.service && held.key_hash == claims.key_hashes[index]
        });
        let verdict = match holder {
            Some(held) if held.body_hash == claims.body_hashes[index] => Verdict::Duplicate {
                id: held.notification,
                recipients: usize::try_from(held.recipients).unwrap_or(0),
            },
            Some(_) => Verdict::Refused(Refusal::KeyReused),
            // Deleted by age between the two statements: the caller may simply try again.
            None => Verdict::Refused(Refusal::Unavailable),
        };
        (one.draft, verdict)
    };
    Ok(lost.into_iter().enumerate().map(verdict).collect())
}

/// Those with a key, and the keys in the same order: sorted, so that two batches do not wait for
/// each other crosswise.
fn claims<'a>(going: &[&'a Going]) -> (Vec<&'a Going>, Claims) {
    let mut keyed: Vec<_> = going
        .iter()
        .filter_map(|one| Some((*one, one.publication.idempotency.as_ref()?)))
        .collect();
    keyed.sort_by_key(|(one, key)| (one.publication.service, key.key_hash));
    let mut claims = Claims::default();
    for (one, key) in &keyed {
        claims.services.push(one.publication.service);
        claims.key_hashes.push(key.key_hash.to_vec());
        claims.body_hashes.push(key.body_hash.to_vec());
        claims.notifications.push(one.publication.id);
        let recipients = i32::try_from(one.members.len()).unwrap_or(i32::MAX);
        claims.recipients.push(recipients);
    }
    (keyed.into_iter().map(|(one, _)| one).collect(), claims)
}
