//! Whose the connection is and until when. Later requests may bring newer credentials of the same
//! user.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

#[derive(Debug)]
pub(crate) struct Lease<P> {
    state: Mutex<State<P>>,
    /// Told when the end moves.
    moved: Notify,
}

#[derive(Debug)]
struct State<P> {
    principal: Arc<P>,
    /// `None`: no end.
    end: Option<Instant>,
}

impl<P> Lease<P> {
    pub(crate) fn new(principal: P, good_for: Option<Duration>) -> Self {
        Self {
            state: Mutex::new(State {
                principal: Arc::new(principal),
                end: end(good_for),
            }),
            moved: Notify::new(),
        }
    }

    pub(crate) fn principal(&self) -> Arc<P> {
        Arc::clone(&self.state.lock().principal)
    }

    pub(crate) fn end(&self) -> Option<Instant> {
        self.state.lock().end
    }

    /// Puts newer credentials in place of the old, whatever their ends.
    pub(crate) fn replace(&self, principal: P, good_for: Option<Duration>) {
        *self.state.lock() = State {
            principal: Arc::new(principal),
            end: end(good_for),
        };
        self.moved.notify_one();
    }

    /// As above, unless they end earlier: a request may have been on its way for long.
    pub(crate) fn renew(&self, principal: P, good_for: Option<Duration>) {
        let later = end(good_for);
        let mut state = self.state.lock();
        let fresher = match (later, state.end) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(later), Some(end)) => later >= end,
        };
        if fresher {
            *state = State {
                principal: Arc::new(principal),
                end: later,
            };
            drop(state);
            self.moved.notify_one();
        }
    }

    /// Returns when the credentials have run out. For one task.
    pub(crate) async fn ended(&self) {
        loop {
            match self.end() {
                Some(end) if end <= Instant::now() => return,
                // Boxed: most connections never get here.
                Some(end) => {
                    let sleep = Box::pin(sleep_until(end));
                    tokio::select! {
                        () = sleep => {}
                        () = self.moved.notified() => {}
                    }
                }
                None => self.moved.notified().await,
            }
        }
    }
}

fn end(good_for: Option<Duration>) -> Option<Instant> {
    // Beyond the clock's range is as good as for ever.
    good_for.and_then(|good_for| Instant::now().checked_add(good_for))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn the_end_moves_with_newer_credentials() {
        let lease = Lease::new(1, Some(MINUTE));
        let start = Instant::now();
        let renewal = async {
            tokio::time::sleep(MINUTE / 2).await;
            lease.renew(2, Some(MINUTE / 4));
            assert_eq!(*lease.principal(), 1, "those ended earlier");
            lease.renew(3, Some(MINUTE));
            tokio::time::sleep(MINUTE / 4).await;
            lease.replace(4, Some(MINUTE / 4));
            assert_eq!(*lease.principal(), 4);
        };
        tokio::join!(lease.ended(), renewal);
        assert_eq!(start.elapsed(), MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn no_end_is_never_reached() {
        let lease = Lease::new((), Some(Duration::MAX));
        lease.renew((), None);
        assert!(
            tokio::time::timeout(100 * MINUTE, lease.ended())
                .await
                .is_err()
        );
        lease.renew((), Some(MINUTE));
        assert_eq!(lease.end(), None, "an end is staler than none");
    }
}
