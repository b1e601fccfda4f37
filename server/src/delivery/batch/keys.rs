//! Idempotency keys of a batch: taken, or whose they are.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::PgConnection;

use super::{Going, Verdict};
use crate::delivery::committer::Refusal;
use crate::store::idempotency::{self, Claims};

/// Takes the idempotency keys; a verdict for those whose key is held by another, by draft.
pub(super) async fn claim_keys(
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
pub(super) async fn holders_of(
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
pub(super) fn claims<'a>(going: &[&'a Going]) -> (Vec<&'a Going>, Claims) {
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
        let recipients = one.paged.unwrap_or(one.members.len());
        let recipients = i32::try_from(recipients).unwrap_or(i32::MAX);
        claims.recipients.push(recipients);
    }
    (keyed.into_iter().map(|(one, _)| one).collect(), claims)
}
