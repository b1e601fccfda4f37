//! The only place that gives numbers: expand audiences, write notifications, take each recipient's
//! next numbers under the lock of their stream, write what is owed. The caller commits.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Publication, Routed};
use crate::store::ledger as store;

/// Appends publications within the caller's transaction; answers the recipients and their numbers,
/// to be dispatched after the commit.
///
/// Call it once in a transaction, after the caller's own rows and before its topics (lock order:
/// `docs/architecture.md`, storage). Statement count does not depend on the batch: expand, insert, lock,
/// advance, insert.
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
    let members = store::expand(conn, &batch).await?;
    append_to(conn, batch, &members, now).await
}

/// As [`append`], for a caller that has expanded the audiences already (to count recipients before
/// it claims idempotency keys). Members of an index outside the batch are not allowed.
pub(super) async fn append_to(
    conn: &mut PgConnection,
    batch: Vec<Arc<Publication>>,
    members: &[store::Member],
    now: Timestamp,
) -> sqlx::Result<Vec<Routed>> {
    let mut recipients = vec![Vec::new(); batch.len()];
    let mut wanted: BTreeMap<Uuid, i64> = BTreeMap::new();
    for member in members {
        recipients[member.index].push((member.user, 0_i64));
        *wanted.entry(member.user).or_default() += 1;
    }
    let counts: Vec<i32> = recipients
        .iter()
        .map(|list| i32::try_from(list.len()).unwrap_or(i32::MAX))
        .collect();
    store::insert_notifications(conn, &batch, &counts).await?;

    if !wanted.is_empty() {
        let users: Vec<Uuid> = wanted.keys().copied().collect();
        let counts: Vec<i64> = wanted.values().copied().collect();
        let mut last = store::take_numbers(conn, &users, &counts).await?;
        let mut rows = store::NewDeliveries::default();
        for (publication, list) in batch.iter().zip(&mut recipients) {
            // A user without a stream was deleted between look-up and here: nobody to owe it to.
            list.retain(|(user, _)| last.contains_key(user));
            for (user, seq) in list {
                let Some(next) = last.get_mut(user) else {
                    continue;
                };
                *next += 1;
                *seq = *next;
                rows.users.push(*user);
                rows.seqs.push(*next);
                rows.tenants.push(publication.tenant);
                rows.notifications.push(publication.id);
                rows.expires.push(publication.expires_at.as_microsecond());
            }
        }
        store::insert_deliveries(conn, &rows, now).await?;
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
