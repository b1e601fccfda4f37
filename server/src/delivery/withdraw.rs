//! Taking back: cancelled by its sender, superseded by something newer, decided elsewhere.
//!
//! What is not settled ends as cancelled. And whoever may have it on a screen is told, by a delivery of its own
//! (`NotificationWithdrawn {ids, reason}`), which waits for those who are away like any other: a card that was
//! shown before a tunnel would stay for ever. To withdraw what a client never had is harmless.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use app::model::delivery::{AckBy, Rule, Sufficient};
use app::model::inbox::Severity;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::draft::LONGEST_LIFE;
use super::{Audience, Publication, Routed, ledger};
use crate::store::withdraw as store;
use crate::store::{audience::Member, fanout};

/// Every device must have read a withdrawal, for each may show the card. None need acknowledge it, and no
/// inbox shows it.
pub(super) const RULE: Rule = Rule {
    ack_by: AckBy::EveryDevice,
    sufficient: Sufficient::Reached,
    hidden: true,
};
/// Screens that stay away for longer than this show an old card.
const SHORTEST: SignedDuration = SignedDuration::from_hours(24);

/// Takes notifications of a service back, for everybody; `by`: `cancelled`, or the id of what took their
/// place. Answers those that were not taken back before. Their recipients are told in pages: ring the
/// fan-out's bell after the commit.
///
/// # Errors
/// Whatever the database answers; the transaction is then void.
pub async fn cancel(
    conn: &mut PgConnection,
    whose: (Uuid, Uuid),
    ids: &[Uuid],
    by: &str,
    id: Uuid,
    now: Timestamp,
) -> sqlx::Result<Vec<Uuid>> {
    let cancelled = store::cancel(conn, whose, ids, by, now).await?;
    let given: Vec<&store::Cancelled> = cancelled.iter().filter(|one| one.given).collect();
    if let Some(ends) = given.iter().map(|one| one.expires_at).max() {
        let of: Vec<Uuid> = given.iter().map(|one| one.id).collect();
        let audience = Audience {
            of: of.clone(),
            ..Audience::default()
        };
        let publication = Arc::new(withdrawal(id, whose, &of, by, audience, ends, now));
        let rows = fanout::New {
            ids: vec![id],
            tenants: vec![whose.0],
            services: vec![whose.1],
            threads: vec![None],
            // An audience of ids is always JSON.
            audiences: vec![serde_json::to_string(&publication.audience).unwrap_or_default()],
            due: vec![now.as_microsecond()],
        };
        ledger::append_to(conn, vec![publication], &[], &[Some(0)], None, now).await?;
        fanout::insert(conn, &rows).await?;
    }
    Ok(cancelled.iter().map(|one| one.id).collect())
}

/// Takes back what a publication takes the place of, once it was accepted: what it supersedes at once, even
/// if it is to be routed later or in pages; of its collapse key what those have who were routed now.
/// Answers withdrawals to dispatch.
///
/// # Errors
/// Whatever the database answers; the transaction is then void.
pub async fn replaced(
    conn: &mut PgConnection,
    newer: &Publication,
    routed: &Routed,
    now: Timestamp,
) -> sqlx::Result<Vec<Routed>> {
    let whose = (newer.tenant, newer.service);
    if let Some(old) = newer.supersedes {
        let by = newer.id.to_string();
        cancel(conn, whose, &[old], &by, beside(newer.id, 1), now).await?;
    }
    collapsed(conn, newer, routed, 2, now).await
}

/// The same for one page of it.
pub(super) async fn replaced_by_page(
    conn: &mut PgConnection,
    newer: &Publication,
    routed: &Routed,
    after: Option<Uuid>,
    now: Timestamp,
) -> sqlx::Result<Vec<Routed>> {
    // Each page's withdrawals have ids of their own: pages begin after different users.
    let from = after.map_or(2, |user| user.as_u64_pair().1 | 1 << 32);
    collapsed(conn, newer, routed, from, now).await
}

async fn collapsed(
    conn: &mut PgConnection,
    newer: &Publication,
    routed: &Routed,
    from: u64,
    now: Timestamp,
) -> sqlx::Result<Vec<Routed>> {
    let whose = (newer.tenant, newer.service);
    let Some(key) = &newer.collapse_key else {
        return Ok(Vec::new());
    };
    if routed.recipients.is_empty() {
        return Ok(Vec::new());
    }
    let users: Vec<Uuid> = routed.recipients.iter().map(|(user, _)| *user).collect();
    let had = store::collapse(conn, whose, key, newer.id, &users, now).await?;
    if had.is_empty() {
        return Ok(Vec::new());
    }
    let by = newer.id.to_string();
    // Those who had the same get the same withdrawal; usually that is one for all.
    let mut of: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for (user, id) in had {
        of.entry(user).or_default().insert(id);
    }
    let mut alike: BTreeMap<BTreeSet<Uuid>, Vec<Uuid>> = BTreeMap::new();
    for (user, ids) in of {
        alike.entry(ids).or_default().push(user);
    }
    let mut batch = Vec::new();
    let mut members = Vec::new();
    for (index, (ids, users)) in alike.into_iter().enumerate() {
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let nth = from.wrapping_add(u64::try_from(index).unwrap_or(0));
        let id = beside(newer.id, nth);
        let audience = Audience {
            users: users.clone(),
            ..Audience::default()
        };
        let ends = newer.expires_at;
        batch.push(Arc::new(withdrawal(
            id, whose, &ids, &by, audience, ends, now,
        )));
        members.extend(users.into_iter().map(|user| Member {
            index,
            user,
            via: None,
        }));
    }
    members.sort_by_key(|member| (member.user, member.index));
    ledger::append_to(conn, batch, &members, &[], None, now).await
}

fn withdrawal(
    id: Uuid,
    (tenant, service): (Uuid, Uuid),
    ids: &[Uuid],
    by: &str,
    audience: Audience,
    ends: Timestamp,
    now: Timestamp,
) -> Publication {
    let reason = if Uuid::try_parse(by).is_ok() {
        "superseded"
    } else {
        by
    };
    Publication {
        id,
        tenant,
        service,
        kind: app::protocol::WITHDRAWN.to_owned(),
        title: String::new(),
        body: String::new(),
        data: json!({ "ids": ids, "reason": reason }).to_string(),
        thread_key: None,
        severity: Severity::Info,
        class: "standard".into(),
        rule: RULE,
        publisher: "bellhop".into(),
        audience,
        expires_at: ends.max(now + SHORTEST).min(now + LONGEST_LIFE),
        deliver_at: None,
        supersedes: None,
        collapse_key: None,
        idempotency: None,
    }
}

/// An id beside another: of the same millisecond, and the same each time, so that a batch written again in
/// doubt is the same batch.
fn beside(id: Uuid, nth: u64) -> Uuid {
    let mut bytes = *id.as_bytes();
    let low = u64::from_be_bytes([
        bytes[8], bytes[9], bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15],
    ]);
    // Without the variant's two bits.
    let mixed = low.wrapping_add(nth.wrapping_mul(0x9e37_79b9_7f4a_7c15)) & 0x3fff_ffff_ffff_ffff;
    bytes[8..].copy_from_slice(&(mixed | (low & 0xc000_0000_0000_0000)).to_be_bytes());
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::ids::instant_of;

    #[test]
    fn ids_beside_another_are_of_its_time_and_differ() {
        let id = Uuid::try_parse("01938f2c-7b1a-7abc-bdef-0123456789ab").unwrap();
        let beside: BTreeSet<Uuid> = (1..100).map(|nth| beside(id, nth)).collect();
        assert_eq!(beside.len(), 99);
        for other in beside {
            assert_eq!(instant_of(other), instant_of(id));
            assert_eq!(other.get_version_num(), 7);
        }
    }
}
