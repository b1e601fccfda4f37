//! How long a client has been silent.
//!
//! Armed by the client's first ping: one that never pings is never timed out. Any message counts as
//! life, and the time of a call at work does not count, so a slow hub never makes a client look dead.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use super::turn::Turns;

pub(super) struct Silence {
    limit: Duration,
    turns: Arc<Turns>,
    armed: bool,
    since: Instant,
    was_busy: bool,
    /// Moved only when it rings, not with every message.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Silence {
    pub(super) fn new(limit: Duration, turns: Arc<Turns>) -> Self {
        Self {
            limit,
            turns,
            armed: false,
            since: Instant::now(),
            was_busy: false,
            timer: None,
        }
    }

    pub(super) fn arm(&mut self) {
        self.armed = true;
    }

    /// The client has shown life, or is waited for again.
    pub(super) fn begin(&mut self) {
        self.since = Instant::now();
    }

    /// Ready when it has lasted too long. The silence of a client that is `away` and may come back
    /// says nothing.
    pub(super) fn poll(&mut self, away: bool, cx: &mut Context<'_>) -> Poll<()> {
        if !self.armed {
            return Poll::Pending;
        }
        let busy = away || self.turns.busy();
        if busy || self.was_busy {
            self.begin();
        }
        self.was_busy = busy;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(self.since + self.limit)));
        loop {
            ready!(timer.as_mut().poll(cx));
            let due = self.since + self.limit;
            if due <= Instant::now() {
                return Poll::Ready(());
            }
            timer.as_mut().reset(due);
        }
    }
}
