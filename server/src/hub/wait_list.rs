//! Who waits for a task of the hub to come round: for a page of a backlog, for results to be recorded.
//!
//! Bound: it has none of its own. Whoever is added says so themselves that they wait not yet, so it is as long as there
//! are connections.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// So long nothing is tried while the database is away.
const PAUSE: Duration = Duration::from_millis(500);

/// Handle to the list. Cheap to clone; one task takes from it.
pub(super) struct WaitList<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    waiting: Mutex<VecDeque<T>>,
    bell: Notify,
}

impl<T> Clone for WaitList<T> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<T> Default for WaitList<T> {
    fn default() -> Self {
        Self {
            shared: Arc::new(Shared {
                waiting: Mutex::new(VecDeque::new()),
                bell: Notify::new(),
            }),
        }
    }
}

impl<T> WaitList<T> {
    /// At the end of the list, and wakes the task.
    pub(super) fn add(&self, one: T) {
        self.shared.waiting.lock().push_back(one);
        self.shared.bell.notify_one();
    }

    /// At the end of the list again. Only by the task itself, which looks there next.
    pub(super) fn put_back(&self, again: impl IntoIterator<Item = T>) {
        let again: Vec<T> = again.into_iter().collect(); // may take locks of its own
        self.shared.waiting.lock().extend(again);
    }

    /// The first of them, `most` at once; waits until there is one. `None`: nobody waits, and the process stops.
    pub(super) async fn next(&self, most: usize, stopping: &CancellationToken) -> Option<Vec<T>> {
        loop {
            let first = self.take(most);
            if !first.is_empty() {
                return Some(first);
            }
            tokio::select! {
                () = stopping.cancelled() => return None,
                () = self.shared.bell.notified() => {}
            }
        }
    }

    fn take(&self, most: usize) -> Vec<T> {
        let mut waiting = self.shared.waiting.lock();
        let count = waiting.len().min(most);
        waiting.drain(..count).collect()
    }
}

/// A moment without a try; false: the process stops.
pub(super) async fn pause(stopping: &CancellationToken) -> bool {
    tokio::select! {
        () = stopping.cancelled() => false,
        () = tokio::time::sleep(PAUSE) => true,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio_util::sync::CancellationToken;

    use super::WaitList;

    /// Of 500 connections that were taken at once all had closed: those behind them waited until somebody else was
    /// added, for the bell had been heard.
    #[tokio::test]
    async fn those_behind_the_first_do_not_wait_for_another_bell() {
        let list = WaitList::default();
        let stopping = CancellationToken::new();
        for number in 0..5 {
            list.add(number);
        }
        assert_eq!(list.next(3, &stopping).await, Some(vec![0, 1, 2]));
        assert_eq!(
            list.next(3, &stopping).now_or_never(),
            Some(Some(vec![3, 4]))
        );
        assert_eq!(
            list.next(3, &stopping).now_or_never(),
            None,
            "nobody is there"
        );
    }

    #[tokio::test]
    async fn who_is_put_back_comes_after_those_that_wait() {
        let list = WaitList::default();
        let stopping = CancellationToken::new();
        list.add('a');
        list.add('b');
        let first = list.next(1, &stopping).await.unwrap_or_default();
        list.put_back(first);
        assert_eq!(
            list.next(2, &stopping).now_or_never(),
            Some(Some(vec!['b', 'a']))
        );
    }

    #[tokio::test]
    async fn stopping_ends_it_when_nobody_waits() {
        let list = WaitList::default();
        let stopping = CancellationToken::new();
        list.add(1);
        stopping.cancel();
        assert_eq!(list.next(2, &stopping).now_or_never(), Some(Some(vec![1])));
        assert_eq!(list.next(2, &stopping).now_or_never(), Some(None));
    }
}
