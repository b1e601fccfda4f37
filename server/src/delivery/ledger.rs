//! The only place that gives numbers: expand audiences, write notifications, take each recipient's
//! next numbers under the lock of their stream, write what is owed. The caller commits.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Publication, Routed};
use crate::store::audience;
use crate::store::idempotency::Claims;
use crate::store::ledger as store;

/// Appends publications within the caller's transaction; answers the recipients and their numbers,
/// to be dispatched after the commit.
///
/// Call it once in a transaction, after the caller's own rows and before its topics (lock order:
/// `docs/architecture.md`, storage). Two statements whatever the batch: expand, append.
///
/// # Errors
/// Whatever the database answers; the transaction is then void.
pub async fn append(
    conn: &mut PgConnection,
    batch: Vec<Arc<Publication>>,
    now: Timestamp,
) -> sqlx::Result<Vec<Routed>> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let members = audience::expand(conn, &batch).await?;
    append_to(conn, batch, &members, &[], None, now).await
}

/// Owes what was published before to more users, in the caller's transaction; answers their numbers. Users
/// ascending, each once.
///
/// # Errors
/// Whatever the database answers; the transaction is then void.
pub async fn owe(
    conn: &mut PgConnection,
    publication: &Arc<Publication>,
    members: Vec<(Uuid, Option<String>)>,
    now: Timestamp,
) -> sqlx::Result<Routed> {
    let mut owed = store::Owed::default();
    for (user, via) in members {
        owed.users.push(user);
        owed.nths.push(1);
        owed.tenants.push(publication.tenant);
        owed.notifications.push(publication.id);
        owed.expires.push(publication.expires_at.as_microsecond());
        owed.rules.push(publication.rule.number());
        owed.vias.push(via);
        owed.for_users.push(None);
    }
    owed.wanted = (owed.users.clone(), owed.nths.clone());
    let before = store::owe(conn, &owed, now).await?;
    let number = |user: &Uuid| Some((*user, before.get(user)? + 1));
    Ok(Routed {
        publication: publication.clone(),
        recipients: owed.users.iter().filter_map(number).collect(),
    })
}

/// Somebody who is asked in another's place.
#[derive(Clone, Debug)]
pub struct StandIn {
    /// What was published before.
    pub notification: Uuid,
    /// Its tenant.
    pub tenant: Uuid,
    /// Who gets it.
    pub user: Uuid,
    /// In whose place.
    pub for_user: Uuid,
    /// What makes them one: `deputy`, `manager`.
    pub via: &'static str,
    /// What settles it, as stored.
    pub rule: i16,
    /// When it stops being worth delivering.
    pub expires_at: Timestamp,
}

/// Owes what was published before to stand-ins, in the caller's transaction; answers who got what, `(user, seq)`.
/// Each user once a notification.
///
/// # Errors
/// Whatever the database answers; the transaction is then void.
pub async fn owe_instead(
    conn: &mut PgConnection,
    stand_ins: &[StandIn],
    now: Timestamp,
) -> sqlx::Result<Vec<(Uuid, i64)>> {
    if stand_ins.is_empty() {
        return Ok(Vec::new());
    }
    let mut owed = store::Owed::default();
    let mut wanted: BTreeMap<Uuid, i64> = BTreeMap::new();
    for one in stand_ins {
        let nth = wanted.entry(one.user).or_default();
        *nth += 1;
        owed.users.push(one.user);
        owed.nths.push(*nth);
        owed.tenants.push(one.tenant);
        owed.notifications.push(one.notification);
        owed.expires.push(one.expires_at.as_microsecond());
        owed.rules.push(one.rule);
        owed.vias.push(Some(one.via.to_owned()));
        owed.for_users.push(Some(one.for_user));
    }
    owed.wanted = wanted.into_iter().unzip();
    let before = store::owe(conn, &owed, now).await?;
    let numbers = owed.users.iter().zip(&owed.nths);
    Ok(numbers
        .filter_map(|(user, nth)| Some((*user, before.get(user)? + nth)))
        .collect())
}

/// As [`append`], for a caller that has expanded the audiences already (to count recipients before
/// it claims idempotency keys). Members of an index outside the batch are not allowed. `paged`: how many
/// recipients one has that is routed in pages, and has no members here. `unseen`: [`store::append`].
pub(super) async fn append_to(
    conn: &mut PgConnection,
    batch: Vec<Arc<Publication>>,
    members: &[audience::Member],
    paged: &[Option<usize>],
    unseen: Option<&Claims>,
    now: Timestamp,
) -> sqlx::Result<Vec<Routed>> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let mut recipients = vec![Vec::new(); batch.len()];
    let mut vias = vec![Vec::new(); batch.len()];
    for member in members {
        recipients[member.index].push((member.user, 0_i64));
        vias[member.index].push(member.via.clone());
    }
    let mut wanted: BTreeMap<Uuid, i64> = BTreeMap::new();
    let mut owed = store::Owed::default();
    for ((publication, list), vias) in batch.iter().zip(&mut recipients).zip(vias) {
        owed.vias.extend(vias);
        for (user, nth) in list {
            owed.rules.push(publication.rule.number());
            let count = wanted.entry(*user).or_default();
            *count += 1;
            *nth = *count;
            owed.users.push(*user);
            owed.nths.push(*count);
            owed.tenants.push(publication.tenant);
            owed.notifications.push(publication.id);
            owed.expires.push(publication.expires_at.as_microsecond());
        }
    }
    owed.wanted = wanted.into_iter().unzip();
    let counts: Vec<i32> = recipients
        .iter()
        .enumerate()
        .map(|(index, list)| paged.get(index).copied().flatten().unwrap_or(list.len()))
        .map(|count| i32::try_from(count).unwrap_or(i32::MAX))
        .collect();
    let before: HashMap<Uuid, i64, _> =
        store::append(conn, &batch, &counts, &owed, unseen, now).await?;
    for list in &mut recipients {
        list.retain_mut(|(user, seq)| {
            let base = before.get(user);
            *seq += base.copied().unwrap_or_default();
            base.is_some()
        });
    }
    Ok(batch
        .into_iter()
        .zip(recipients)
        .map(|(publication, recipients)| Routed {
            publication,
            recipients,
        })
        .collect())
}
