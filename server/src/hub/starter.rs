//! Begins the replay of each new connection a moment after its handshake.
//!
//! The npm client parses what comes behind the handshake before its `start()` continues, and an
//! invocation without a handler is a console warning and gone. So replay waits for the first call,
//! or for 200 ms (`docs/guarantees.md`, order and replay).
//!
//! Bound: 65,536 waiting connections; over it replay begins at once.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::pager::Pager;
use crate::support::lifecycle::Lifecycle;

const MOST_WAITING: usize = 65_536;
const PAUSE: Duration = Duration::from_millis(200);

/// Handle to the task. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Starter {
    waiting: mpsc::Sender<(Instant, Weak<Client>)>,
    pager: Pager,
}

impl Starter {
    pub(crate) fn start(pager: Pager, life: &Lifecycle) -> Self {
        let (waiting, queue) = mpsc::channel(MOST_WAITING);
        life.spawn("starter", run(queue, pager.clone(), life.stopping()));
        Self { waiting, pager }
    }

    /// Replay begins in 200 ms, unless something begins it before.
    pub(crate) fn soon(&self, client: &Arc<Client>) {
        let due = Instant::now() + PAUSE;
        if self
            .waiting
            .try_send((due, Arc::downgrade(client)))
            .is_err()
        {
            self.now(client, None);
        }
    }

    /// Replay begins now, after `cursor` if that is beyond what the device is known to have.
    pub(crate) fn now(&self, client: &Arc<Client>, cursor: Option<i64>) {
        if !client.has_begun() && client.begin(cursor) {
            self.pager.ask(client.clone());
        }
    }
}

/// All pauses are equal, so the queue is in the order of due times.
async fn run(
    mut queue: mpsc::Receiver<(Instant, Weak<Client>)>,
    pager: Pager,
    stopping: CancellationToken,
) {
    loop {
        let next = tokio::select! {
            () = stopping.cancelled() => return,
            next = queue.recv() => next,
        };
        let Some((due, client)) = next else { return };
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep_until(due) => {}
        }
        if let Some(client) = client.upgrade()
            && !client.has_begun()
            && client.begin(None)
        {
            pager.ask(client);
        }
    }
}
