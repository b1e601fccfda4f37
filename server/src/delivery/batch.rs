//! A batch of drafts on its way into the database: names looked up, audiences expanded, keys claimed,
//! appended; then a verdict a draft.
//!
//! Three or four statements whatever its size, each a round trip that every publisher of the batch
//! waits for.

use std::collections::{BTreeSet, HashMap};
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
    /// Ascending.
    members: Vec<Uuid>,
}

/// Looks up, expands, claims keys and appends within the caller's transaction; a verdict a draft.
///
/// # Errors
/// Whatever the database answers; the transaction is then void.
pub(super) async fn write(
    tx: &mut PgConnection,
    drafts: &[&Draft],
    now: Timestamp,
) -> sqlx::Result<Vec<Verdict>> {
    let mut verdicts: Vec<Option<Verdict>> = drafts.iter().map(|_| None).collect();
    let mut going = look_up(tx, drafts, &mut verdicts).await?;
    expand(tx, &mut going).await?;
    claim_keys(tx, &mut going, &mut verdicts, now).await?;
    let mut members = Vec::new();
    for (index, one) in going.iter().enumerate() {
        members.extend(one.members.iter().map(|user| Member { index, user: *user }));
    }
    let batch = going.iter().map(|one| one.publication.clone()).collect();
    let routed = ledger::append_to(tx, batch, &members, now).await?;
    for (one, routed) in going.into_iter().zip(routed) {
        verdicts[one.draft] = Some(Verdict::Routed {
            routed,
            unknown: one.unknown,
        });
    }
    Ok(verdicts
        .into_iter()
        .map(|verdict| verdict.unwrap_or(Verdict::Refused(Refusal::Unavailable)))
        .collect())
}

/// Inner ids for the names of all drafts; refuses those that name what is not there.
async fn look_up(
    tx: &mut PgConnection,
    drafts: &[&Draft],
    verdicts: &mut [Option<Verdict>],
) -> sqlx::Result<Vec<Going>> {
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
        names::look_up(tx, &wanted).await?
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
    let mut going = Vec::with_capacity(drafts.len());
    for (index, (mut audience, mut unknown)) in audiences.into_iter().zip(unknown).enumerate() {
        let draft = drafts[index];
        unknown.sort_unstable();
        if !unknown.is_empty() && !draft.allow_unknown {
            verdicts[index] = Some(Verdict::Refused(Refusal::Unknown(unknown)));
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
    Ok(going)
}

/// The members of each audience. Users by name and nothing else need no statement: [`look_up`] has
/// just read them, active ones only.
async fn expand(tx: &mut PgConnection, going: &mut [Going]) -> sqlx::Result<()> {
    let named_only = going.iter().all(|one| {
        let audience = &one.publication.audience;
        !audience.service && audience.departments.is_empty() && audience.groups.is_empty()
    });
    if named_only {
        for one in going {
            let users: BTreeSet<Uuid> = one.publication.audience.users.iter().copied().collect();
            one.members = users.into_iter().collect();
        }
        return Ok(());
    }
    let batch: Vec<_> = going.iter().map(|one| one.publication.clone()).collect();
    for member in rows::expand(tx, &batch).await? {
        going[member.index].members.push(member.user);
    }
    Ok(())
}

/// Takes the idempotency keys; those whose key is held by another go no further.
async fn claim_keys(
    tx: &mut PgConnection,
    going: &mut Vec<Going>,
    verdicts: &mut [Option<Verdict>],
    now: Timestamp,
) -> sqlx::Result<()> {
    let mut keyed: Vec<_> = going
        .iter()
        .filter_map(|one| one.publication.idempotency.as_ref().map(|key| (one, key)))
        .collect();
    if keyed.is_empty() {
        return Ok(());
    }
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
    let won = idempotency::claim(tx, &claims, now).await?;
    if won.len() == keyed.len() {
        return Ok(());
    }
    let holders = idempotency::holders(tx, &claims).await?;
    let mut lost = HashMap::new();
    for (one, key) in keyed {
        if won.contains(&one.publication.id) {
            continue;
        }
        let holder = holders
            .iter()
            .find(|held| held.service == one.publication.service && held.key_hash == key.key_hash);
        let verdict = match holder {
            Some(held) if held.body_hash == key.body_hash => Verdict::Duplicate {
                id: held.notification,
                recipients: usize::try_from(held.recipients).unwrap_or(0),
            },
            Some(_) => Verdict::Refused(Refusal::KeyReused),
            // Deleted by age between the two statements: the caller may simply try again.
            None => Verdict::Refused(Refusal::Unavailable),
        };
        lost.insert(one.draft, verdict);
    }
    going.retain(|one| match lost.remove(&one.draft) {
        Some(verdict) => {
            verdicts[one.draft] = Some(verdict);
            false
        }
        None => true,
    });
    Ok(())
}
