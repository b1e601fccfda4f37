//! The rung at which somebody else is asked: the user's deputy, else the manager. They get the notification
//! as a delivery of their own, which says for whom it stands; a deputy's has no deputy.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::Connection as _;
use uuid::Uuid;

use crate::delivery::ledger::{self, StandIn};
use crate::store::Pool;
use crate::store::debts::{self, Claim};

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
    let mut stand_ins = Vec::new();
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
        if given.insert((notification, instead)) {
            stand_ins.push(StandIn {
                notification,
                tenant: claim.tenant,
                user: instead,
                for_user: user,
                via: if is_deputy { "deputy" } else { "manager" },
                rule: delivery.rule,
                expires_at: delivery.expires_at,
            });
        }
    }
    let asked = ledger::owe_instead(&mut tx, &stand_ins, now).await?;
    tx.commit().await?;
    Ok(asked)
}
