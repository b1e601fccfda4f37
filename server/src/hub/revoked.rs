//! Who was told to go lately. A connection is authenticated when it is asked for and found by others
//! only once it is welcomed, up to a handshake and a wait for the database later: who closes
//! connections in between misses it, so it looks here itself.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::time::{Duration, Instant};
use uuid::Uuid;

/// Longer than a connection can be on its way: handshake (15 s), database (30 s), and to spare.
const REMEMBERED: Duration = Duration::from_mins(2);

/// Sessions and users by inner id, each with the last time.
#[derive(Default)]
pub(super) struct Revoked(Mutex<HashMap<Uuid, Instant>>);

impl Revoked {
    /// Call it before closing the connections that are there.
    pub(super) fn note(&self, id: Uuid) {
        let now = Instant::now();
        let mut known = self.0.lock();
        known.retain(|_, at| now < *at + REMEMBERED);
        known.insert(id, now);
    }

    /// Was it told to go after the connection began? Ask when others can find the connection.
    pub(super) fn since(&self, id: Uuid, began: Instant) -> bool {
        self.0.lock().get(&id).is_some_and(|at| began <= *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_began_before_is_told_and_what_comes_after_is_not() {
        let (revoked, one, other) = (Revoked::default(), Uuid::from_u128(1), Uuid::from_u128(2));
        let early = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        revoked.note(one);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(revoked.since(one, early));
        assert!(!revoked.since(other, early));
        assert!(!revoked.since(one, Instant::now()), "it came back");
        tokio::time::advance(REMEMBERED).await;
        revoked.note(other);
        assert_eq!(revoked.0.lock().len(), 1, "what is long ago is forgotten");
    }
}
