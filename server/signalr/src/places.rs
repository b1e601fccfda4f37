//! Places by their secret token: reserved by negotiate, bound by a transport, gone at the end.
//!
//! Reservations are bounded in number and removed when their time is over by one task, which runs
//! only while there are any. A place that is bound or forgotten leaves the count at once.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{registry::Sharded, slot::Slot};

#[derive(Debug)]
pub(crate) struct Places<P> {
    slots: Sharded<Slot<P>>,
    queue: Mutex<Queue>,
    /// Reserved and neither bound nor expired.
    reserved: AtomicUsize,
}

#[derive(Debug, Default)]
struct Queue {
    /// When each reservation ends, oldest first: all last equally long. Those bound meanwhile stay
    /// here until their time, 40 bytes each.
    ends: VecDeque<(Instant, Arc<str>)>,
    /// The task that removes them runs.
    swept: bool,
}

/// A place that has a connection, until the end.
#[derive(Debug)]
pub(crate) struct Occupied<P: Send + Sync + 'static> {
    places: Arc<Places<P>>,
    token: Arc<str>,
}

impl<P: Send + Sync + 'static> Drop for Occupied<P> {
    fn drop(&mut self) {
        self.places.forget(&self.token);
    }
}

/// As many reservations as allowed are open.
#[derive(Debug)]
pub(crate) struct NoRoom;

impl<P: Send + Sync + 'static> Places<P> {
    pub(crate) fn new() -> Self {
        Self {
            slots: Sharded::new(),
            queue: Mutex::default(),
            reserved: AtomicUsize::new(0),
        }
    }

    /// Keeps a place until its time, and sees to it that it is removed then.
    pub(crate) fn reserve(
        self: &Arc<Self>,
        slot: Slot<P>,
        most: usize,
        tracker: &TaskTracker,
        stopping: &CancellationToken,
    ) -> Result<Arc<Slot<P>>, NoRoom> {
        let room = |open: usize| (open < most).then_some(open + 1);
        self.reserved
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, room)
            .map_err(|_| NoRoom)?;
        let (until, token) = (slot.until(), Arc::clone(&slot.token));
        let mut fresh = false;
        let slot = self.slots.get_or_insert(&token, |_| {
            fresh = true;
            slot
        });
        if !fresh {
            // Two requests brought the same token from elsewhere at once.
            self.reserved.fetch_sub(1, Ordering::AcqRel);
            return Ok(slot);
        }
        let mut queue = self.queue.lock();
        queue.ends.push_back((until, Arc::clone(&slot.token)));
        if !queue.swept {
            queue.swept = true;
            let (places, stopping) = (Arc::clone(self), stopping.clone());
            tracker.spawn(async move {
                tokio::select! {
                    () = places.sweep() => {}
                    () = stopping.cancelled() => {}
                }
            });
        }
        Ok(slot)
    }

    /// Removes what expires until nothing is left that could.
    async fn sweep(&self) {
        while let Some(next) = self.sweep_once() {
            sleep_until(next).await;
        }
    }

    /// The time of the next round, `None` when there is nothing to wait for.
    fn sweep_once(&self) -> Option<Instant> {
        let now = Instant::now();
        loop {
            let mut queue = self.queue.lock();
            match queue.ends.front() {
                Some((until, _)) if *until > now => return Some(*until),
                Some(_) => {}
                None => {
                    *queue = Queue::default();
                    return None;
                }
            }
            let expired = queue.ends.pop_front();
            drop(queue);
            if let Some((_, token)) = expired
                && let Some(slot) = self.slots.get(&token)
                && slot.expire()
            {
                self.slots.remove(&token);
                self.reserved.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }

    /// The place, unless its time is over.
    pub(crate) fn find(&self, token: &str) -> Option<Arc<Slot<P>>> {
        self.slots
            .get(token)
            .filter(|slot| !slot.is_expired(Instant::now()))
    }

    /// A reservation became a connection.
    pub(crate) fn bound(&self) {
        self.reserved.fetch_sub(1, Ordering::AcqRel);
    }

    pub(crate) fn forget(&self, token: &str) {
        self.slots.remove(token);
    }

    /// Forgets a place when dropped, so that no panic can keep it.
    pub(crate) fn occupy(self: &Arc<Self>, token: Arc<str>) -> Occupied<P> {
        Occupied {
            places: Arc::clone(self),
            token,
        }
    }

    /// Reservations that are open, and all places.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> (usize, usize) {
        (
            self.reserved.load(Ordering::Acquire),
            self.slots.values().len(),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Connection, connection::Facts};

    const LASTS: Duration = Duration::from_secs(15);

    fn slot(token: &str) -> Slot<()> {
        let until = Instant::now() + LASTS;
        Slot::new(token.into(), "id".into(), (), Facts::default(), until)
    }

    #[tokio::test(start_paused = true)]
    async fn ten_thousand_that_nobody_uses_are_really_removed() {
        let (places, tracker) = (Arc::new(Places::new()), TaskTracker::new());
        let stopping = CancellationToken::new();
        let reserve = |token: String| {
            places
                .reserve(slot(&token), 10_000, &tracker, &stopping)
                .is_ok()
        };
        for round in 0..3 {
            for number in 0..10_000 {
                assert!(reserve(format!("{round}-{number}")));
            }
            assert!(!reserve("one too many".to_owned()));
            assert_eq!(places.counts(), (10_000, 10_000));
            tokio::time::sleep(LASTS + Duration::from_millis(10)).await;
            assert_eq!(places.counts(), (0, 0));
            assert_eq!(tracker.len(), 0, "and the task is gone");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_token_twice_is_one_place() {
        let (places, tracker) = (Arc::new(Places::new()), TaskTracker::new());
        let stopping = CancellationToken::new();
        let reserve = || places.reserve(slot("a"), 9, &tracker, &stopping).ok();
        let (first, second) = (reserve(), reserve());
        assert!(first.zip(second).is_some_and(|(a, b)| Arc::ptr_eq(&a, &b)));
        assert_eq!(places.counts(), (1, 1));
        tokio::time::sleep(2 * LASTS).await;
        assert_eq!(places.counts(), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_bound_stays() {
        let (places, tracker) = (Arc::new(Places::new()), TaskTracker::new());
        let stopping = CancellationToken::new();
        let slot = places
            .reserve(slot("a"), 1, &tracker, &stopping)
            .expect("there is room");
        let limits = Arc::new(crate::limits::Limits::new(Arc::new(())));
        let opening = crate::connection::Opening {
            id: "id".into(),
            principal: (),
            good_for: None,
            transport: crate::protocol::TransportKind::WebSockets,
            facts: Facts::default(),
            resumable: false,
        };
        let open = || Connection::new(opening, &crate::HubOptions::default(), &limits);
        assert!(matches!(
            slot.bind(crate::protocol::TransportKind::WebSockets, open),
            crate::slot::Bind::Fresh(_)
        ));
        places.bound();
        tokio::time::sleep(2 * LASTS).await;
        assert!(places.find("a").is_some());
        assert_eq!(places.counts(), (0, 1));
    }
}
