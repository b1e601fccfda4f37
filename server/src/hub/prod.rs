//! Connections that hold an item nobody confirms: they are asked whether they live, and cut if they do
//! not answer. The client that comes back reads what it missed; one behind a dead network is then known to be
//! away, and the ladder goes on to its phone.
//!
//! Bound: 16,384 asked connections; over it they are left to the transport's own timeout.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::line::Transport;
use super::workflow::Hub;
use crate::outbox::Reach;
use crate::support::lifecycle::Lifecycle;

const MOST_WAITING: usize = 16_384;
/// A WebSocket's pong comes in one round trip. The other transports are heard of by the pings clients send every
/// 15 s, so they get as long as that and a little more.
const PATIENCE: Duration = Duration::from_secs(20);

struct Asked {
    client: Weak<Client>,
    at: Instant,
}

/// Handle to the task. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Prod {
    waiting: mpsc::Sender<Asked>,
}

impl Prod {
    pub(crate) fn start(life: &Lifecycle) -> Self {
        let (waiting, queue) = mpsc::channel(MOST_WAITING);
        life.spawn("prod", run(queue, life.stopping()));
        Self { waiting }
    }

    /// Asks it, and cuts it in a while if nothing was heard of it since. An event stream cannot be asked:
    /// it is forgotten when nobody takes what waits (`expiry`).
    fn ask(&self, client: &Arc<Client>) {
        if client.line.transport() == Transport::Stream {
            return;
        }
        client.line.probe();
        let at = Instant::now();
        let _ = self.waiting.try_send(Asked {
            client: Arc::downgrade(client),
            at,
        });
    }
}

/// All are asked with equal patience, so the queue is in the order of due times.
async fn run(mut queue: mpsc::Receiver<Asked>, stopping: CancellationToken) {
    loop {
        let next = tokio::select! {
            () = stopping.cancelled() => return,
            next = queue.recv() => next,
        };
        let Some(asked) = next else { return };
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep_until(asked.at + PATIENCE) => {}
        }
        if let Some(client) = asked.client.upgrade()
            && client.line.last_activity() < asked.at
        {
            client.line.close(None, true);
        }
    }
}

impl Reach for Hub {
    fn here(&self) -> Vec<uuid::Uuid> {
        self.shared.registry.users()
    }

    fn again(&self, user: uuid::Uuid, seq: i64, last: bool) -> usize {
        let clients = self.shared.registry.of_user(user);
        for client in &clients {
            if client.heard(seq) {
                self.shared.pager.ask(client.clone());
            }
            if !client.holds(seq) {
                continue;
            }
            // A proxy that asks twice for one poll swallows a body, and the client never sees it. It acks
            // what it sees, so it gets another connection, which begins with what it has not acked.
            let polls = client.line.transport() == Transport::LongPolling;
            if last && polls && client.is_explicit() {
                client.line.close(None, true);
            } else {
                self.shared.prod.ask(client);
            }
        }
        clients.len()
    }
}
