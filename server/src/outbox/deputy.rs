//! The rung at which somebody else is asked: the user's deputy, else the manager. They get the notification
//! as a delivery of their own, which says for whom it stands; a deputy's has no deputy.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sqlx::Connection as _;
use uuid::Uuid;

use crate::store::Pool;
use crate::store::debts::{self, Claim};
use crate::store::ledger::{self, Owed};

/// Owes these to whoever stands in for their users; answers who got what, `(user, seq)`.
///
/// # Errors
/// Whatever the database answers; nobody was asked then.
pub async fn ask(pool: &Pool, claims: &[&Claim], now: Timestamp) -> sqlx::Result<Vec<(Uuid, i64)>> {
    let users: Vec<Uuid> = claims.iter().map(|claim| claim.user).collect();
    let ids: Vec<Uuid> = claims.iter().map(|claim| claim.notification).collect();
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin().await?;
    let found = debts::deputies(&mut tx, &users, &ids).await?;
    let mut owed = Owed::default();
    let mut wanted: BTreeMap<Uuid, i64> = BTreeMap::new();
    // Two users of one manager: one delivery of the notification, for the first of them.
    let mut given: BTreeSet<(Uuid, Uuid)> = BTreeSet::new();
    for (user, notification, instead, is_deputy) in found {
        let Some(claim) = claims
            .iter()
            .find(|claim| claim.user == user && claim.notification == notification)
        else {
            continue;
        };
        let Some(delivery) = &claim.delivery else {
            continue;
        };
        if !given.insert((notification, instead)) {
            continue;
        }
        let nth = wanted.entry(instead).or_default();
        *nth += 1;
        owed.users.push(instead);
        owed.nths.push(*nth);
        owed.tenants.push(claim.tenant);
        owed.notifications.push(notification);
        owed.expires.push(delivery.expires_at.as_microsecond());
        owed.rules.push(delivery.rule);
        owed.vias.push(Some(
            if is_deputy { "deputy" } else { "manager" }.to_owned(),
        ));
        owed.for_users.push(Some(user));
    }
    if owed.users.is_empty() {
        return Ok(Vec::new());
    }
    owed.wanted = wanted.into_iter().unzip();
    let before = ledger::owe(&mut tx, &owed, now).await?;
    tx.commit().await?;
    Ok(owed
        .users
        .iter()
        .zip(&owed.nths)
        .filter_map(|(user, nth)| Some((*user, before.get(user)? + nth)))
        .collect())
}
