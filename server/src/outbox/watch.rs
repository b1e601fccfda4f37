//! Who watches the receipts of a notification right now, and what wakes them. Whoever moves deliveries says so here
//! after the commit; while nobody watches, that is one load of a number, and no statement is made for it ever.
//!
//! Bound: 1,000 streams a process, 16 a service; over it the caller is refused.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;

const MOST: usize = 1_000;
const MOST_A_SERVICE: usize = 16;

/// Those who watch. Written by the streams, read by whoever moves deliveries.
#[derive(Debug, Default)]
pub struct Watch {
    count: AtomicUsize,
    watchers: Mutex<HashMap<Uuid, Vec<Watcher>, RandomState>>,
}

#[derive(Debug)]
struct Watcher {
    tenant: Uuid,
    service: Uuid,
    bell: Arc<Notify>,
}

/// One who watches, as long as it lives.
#[derive(Debug)]
pub struct Watching {
    watch: Arc<Watch>,
    notification: Uuid,
    bell: Arc<Notify>,
}

impl Watch {
    /// Watches a notification; `None`: there are too many who do.
    #[must_use]
    pub fn open(
        self: &Arc<Self>,
        (tenant, service): (Uuid, Uuid),
        notification: Uuid,
    ) -> Option<Watching> {
        let mut watchers = self.watchers.lock();
        let all = watchers.values().flatten();
        let own = all.filter(|one| one.service == service).count();
        if self.count.load(Ordering::Relaxed) >= MOST || own >= MOST_A_SERVICE {
            return None;
        }
        let bell = Arc::new(Notify::new());
        watchers.entry(notification).or_default().push(Watcher {
            tenant,
            service,
            bell: bell.clone(),
        });
        self.count.fetch_add(1, Ordering::Release);
        Some(Watching {
            watch: self.clone(),
            notification,
            bell,
        })
    }

    /// Does anybody watch? Asked before anything is gathered for [`Self::moved`].
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.count.load(Ordering::Acquire) > 0
    }

    /// Deliveries of these moved: it is committed.
    pub fn moved(&self, notifications: &[Uuid]) {
        if !self.is_any() {
            return;
        }
        let watchers = self.watchers.lock();
        for watcher in notifications
            .iter()
            .filter_map(|id| watchers.get(id))
            .flatten()
        {
            watcher.bell.notify_one();
        }
    }

    /// Deliveries of the tenant moved, nobody says which.
    pub fn moved_in(&self, tenant: Uuid) {
        if !self.is_any() {
            return;
        }
        for watcher in self.watchers.lock().values().flatten() {
            if watcher.tenant == tenant {
                watcher.bell.notify_one();
            }
        }
    }
}

impl Watching {
    /// Resolves when something moved since the last time.
    pub async fn moved(&self) {
        self.bell.notified().await;
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut watchers = self.watch.watchers.lock();
        if let Some(list) = watchers.get_mut(&self.notification) {
            list.retain(|one| !Arc::ptr_eq(&one.bell, &self.bell));
            if list.is_empty() {
                watchers.remove(&self.notification);
            }
        }
        self.watch.count.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn who_watches_is_woken_and_nobody_else() {
        let watch = Arc::new(Watch::default());
        assert!(!watch.is_any());
        watch.moved(&[id(1)]);
        let one = watch.open((id(10), id(20)), id(1)).unwrap();
        let two = watch.open((id(10), id(20)), id(2)).unwrap();
        let other = watch.open((id(11), id(21)), id(3)).unwrap();
        assert_eq!(one.moved().now_or_never(), None, "not what was before it");
        watch.moved(&[id(1), id(1), id(9)]);
        assert_eq!(one.moved().now_or_never(), Some(()));
        assert_eq!(one.moved().now_or_never(), None, "twice is once");
        assert_eq!(two.moved().now_or_never(), None);
        watch.moved_in(id(10));
        assert_eq!(two.moved().now_or_never(), Some(()));
        assert_eq!(other.moved().now_or_never(), None);
        drop((one, two, other));
        assert!(!watch.is_any() && watch.watchers.lock().is_empty());
    }

    #[test]
    fn a_service_has_a_bound_of_its_own() {
        let watch = Arc::new(Watch::default());
        let open: Vec<_> = (0..16)
            .map(|n| watch.open((id(1), id(2)), id(n)).unwrap())
            .collect();
        assert!(watch.open((id(1), id(2)), id(99)).is_none());
        assert!(watch.open((id(1), id(3)), id(99)).is_some());
        drop(open);
        assert!(watch.open((id(1), id(2)), id(99)).is_some());
    }
}
