//! What a page of the backlog showed to be settled without the device: acked by another one, expired,
//! or, for a device that never acks, read by another one. Without a note of it the device would read
//! back to the same number each time it connects.
//!
//! Costs nothing to find (the page was read anyway), and a write only when there is something to note.
//! Nothing rests on it: what is lost is found again by the next page.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::Connection as _;
use uuid::Uuid;

use super::acked_set;
use crate::store::{Pool, acks};

/// Nothing between `from` and `through` is owed to this device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Whose.
    pub user: Uuid,
    /// The device.
    pub device: Arc<str>,
    /// Where the page began: after what the device was known to have.
    pub from: i64,
    /// Up to here nothing is owed.
    pub through: i64,
    /// When the first that is owed was routed; when the page was read if there is none.
    pub at: Timestamp,
    /// The device acks for itself: then what others only read is owed to it and was not passed.
    pub explicit: bool,
}

/// Notes it.
///
/// # Errors
/// Whatever the database answers; nothing was noted then.
pub async fn note(pool: &Pool, passed: &[Passed]) -> sqlx::Result<()> {
    // Of two connections of one device either will do.
    let passed: HashMap<(Uuid, Arc<str>), &Passed> = passed
        .iter()
        .map(|one| ((one.user, one.device.clone()), one))
        .collect();
    let users: Vec<Uuid> = passed.values().map(|one| one.user).collect();
    let keys: Vec<String> = passed.values().map(|one| one.device.to_string()).collect();
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin().await?;
    acks::unhurried(&mut tx).await?;
    let mut devices = Vec::new();
    let (mut reached_users, mut reached_keys, mut reached_through) = (vec![], vec![], vec![]);
    for mut known in acks::lock_devices(&mut tx, &users, &keys).await? {
        let Some(one) = passed.get(&(known.user, known.key.as_str().into())) else {
            continue;
        };
        if !one.explicit {
            reached_users.push(known.user);
            reached_keys.push(known.key);
            reached_through.push(one.through);
        } else if known.through >= one.from {
            acked_set::pass(&mut known.through, &mut known.ranges, one.through);
            known.beyond_since = known.beyond_since.max(Some(one.at));
            devices.push(known);
        } // else there is a part between them of which the page says nothing
    }
    if !devices.is_empty() {
        acks::write_devices(&mut tx, &devices, false).await?;
    }
    if !reached_users.is_empty() {
        acks::raise_reached(&mut tx, &reached_users, &reached_keys, &reached_through).await?;
    }
    tx.commit().await
}
