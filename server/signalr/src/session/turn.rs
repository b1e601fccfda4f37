//! Whose turn it is: how many ordinary calls of one connection run at once.
//!
//! A call that waits for the client's own answer lends its turn to the next call. Without that the
//! answer could be stuck in the input behind a call that waits for the turn.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::Semaphore;

tokio::task_local! {
    static CURRENT: Arc<Turn>;
}

/// The turns of one connection.
#[derive(Debug)]
pub(crate) struct Turns {
    free: Semaphore,
    limit: usize,
    /// Ordinary calls that have begun and not ended, also those that have lent their turn.
    open: AtomicUsize,
}

impl Turns {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        let limit = limit.max(1);
        Arc::new(Self {
            free: Semaphore::new(limit),
            limit,
            open: AtomicUsize::new(0),
        })
    }

    /// Waits until it is the next call's turn; first come, first served.
    pub(super) async fn next(self: &Arc<Self>) -> Arc<Turn> {
        self.take().await;
        self.open.fetch_add(1, Ordering::Relaxed);
        let state = Mutex::new(State {
            held: true,
            waits: 0,
        });
        Arc::new(Turn {
            turns: Arc::clone(self),
            state,
        })
    }

    /// Whether a call is at work, and not only waiting for the client.
    pub(super) fn busy(&self) -> bool {
        self.free.available_permits() < self.limit
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Ordinary calls that are open and not at work: they wait for a client, or for their turn after
    /// its answer.
    pub(super) fn lent(&self) -> usize {
        let at_work = self.limit - self.free.available_permits().min(self.limit);
        self.open().saturating_sub(at_work)
    }

    async fn take(&self) {
        if let Ok(permit) = self.free.acquire().await {
            permit.forget();
        }
    }
}

/// One ordinary call's turn. Ends when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    held: bool,
    /// Questions to clients that the call waits for.
    waits: usize,
}

impl Turn {
    /// Runs a call in this turn.
    ///
    /// No async function: that would keep room for the call twice, and copy it there.
    pub(super) fn run<F: Future>(
        self: &Arc<Self>,
        call: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(Arc::clone(self), call)
    }

    fn give_up(&self) {
        if std::mem::take(&mut self.state.lock().held) {
            self.turns.free.add_permits(1);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.give_up();
        self.turns.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Waits for a client. If this is inside an ordinary call, its turn is lent meanwhile.
pub(crate) async fn lent<F: Future>(wait: F) -> F::Output {
    let Ok(turn) = CURRENT.try_with(Arc::clone) else {
        return wait.await;
    };
    turn.state.lock().waits += 1;
    turn.give_up();
    let loan = Loan(turn);
    let output = wait.await;
    let turn = Arc::clone(&loan.0);
    drop(loan);
    if turn.state.lock().waits == 0 {
        turn.turns.take().await;
        let mut state = turn.state.lock();
        if state.waits == 0 && !state.held {
            state.held = true;
        } else {
            drop(state);
            turn.turns.free.add_permits(1);
        }
    }
    output
}

/// Counts a wait out, also one that is dropped before its answer: the call then goes on without a
/// turn, beside the next one.
struct Loan(Arc<Turn>);

impl Drop for Loan {
    fn drop(&mut self) {
        self.0.state.lock().waits -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, poll};
    use std::pin::pin;

    impl Turn {
        async fn run_owned<F: Future>(self: Arc<Self>, call: F) -> F::Output {
            self.run(call).await
        }
    }

    #[tokio::test]
    async fn a_turn_is_lent_while_waiting_and_taken_back_in_order() {
        let turns = Turns::new(1);
        let first = turns.next().await;
        let (answer, wait) = tokio::sync::oneshot::channel::<()>();
        let mut call = pin!(Arc::clone(&first).run_owned(lent(wait)));
        assert!(turns.busy());
        assert!(poll!(&mut call).is_pending());
        assert!(!turns.busy(), "lent");
        let second = turns.next().now_or_never().unwrap();
        answer.send(()).unwrap();
        assert!(poll!(&mut call).is_pending(), "the second is at work");
        let mut third = pin!(turns.next());
        assert!(poll!(&mut third).is_pending());
        drop(second);
        assert!(poll!(&mut call).is_ready(), "it asked before the third");
        assert!(poll!(&mut third).is_pending());
        assert_eq!(turns.open(), 1);
        drop(first);
        assert!(poll!(&mut third).is_ready());
    }

    #[tokio::test]
    async fn a_turn_stays_lent_until_the_last_of_two_waits() {
        let turns = Turns::new(1);
        let first = turns.next().await;
        let (one, one_wait) = tokio::sync::oneshot::channel::<()>();
        let (_two, two_wait) = tokio::sync::oneshot::channel::<()>();
        let mut call = pin!(first.run(async { tokio::join!(lent(one_wait), lent(two_wait)) }));
        assert!(poll!(&mut call).is_pending());
        one.send(()).unwrap();
        assert!(poll!(&mut call).is_pending());
        assert!(!turns.busy());
    }
}
