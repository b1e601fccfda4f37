//! Results of handlers that acknowledge (`?acks=result`): what each connection has gathered is one ack, recorded with
//! those of the others. A connection's results wait in its own memory, where what they may acknowledge is known; here
//! waits only the connection.
//!
//! Nobody can be told that a result was not recorded, so it is tried again until it was: also when the connection has
//! ended meanwhile. What waits when the process stops comes again.
//!
//! Bound: a connection waits at most once, with at most 1,000 results (`unconfirmed`).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::pager::Pager;
use crate::outbox::ack::{Ack, Acks, What};
use crate::support::lifecycle::Lifecycle;

/// As many as the acks' gatherer commits at once.
const MOST_AT_ONCE: usize = 512;
/// The database is away.
const PAUSE: Duration = Duration::from_millis(500);

/// Handle to the recording task. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Results {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<VecDeque<Arc<Client>>>,
    bell: Notify,
}

impl Results {
    /// Starts the recording task; it stops when the process does.
    pub(crate) fn start(acks: Acks, pager: Pager, life: &Lifecycle) -> Self {
        let results = Self::default();
        let recorder = Recorder {
            shared: results.shared.clone(),
            acks,
            pager,
        };
        life.spawn("results", recorder.run(life.stopping()));
        results
    }

    /// A client's results are to be recorded. Only when the client says so.
    pub(crate) fn record(&self, client: Arc<Client>) {
        self.shared.waiting.lock().push_back(client);
        self.shared.bell.notify_one();
    }
}

struct Recorder {
    shared: Arc<Shared>,
    acks: Acks,
    pager: Pager,
}

impl Recorder {
    async fn run(self, stopping: CancellationToken) {
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.shared.bell.notified() => {}
            }
            loop {
                let clients = self.take();
                if clients.is_empty() {
                    break;
                }
                // What comes meanwhile is the next round's.
                let all = join_all(clients.iter().map(|client| self.one(client))).await;
                if all.iter().all(|done| *done) {
                    continue;
                }
                let failed = clients.into_iter().zip(all).filter(|(_, done)| !done);
                let failed = failed.map(|(client, _)| client);
                // Unless it waits already, for what came meanwhile.
                let again = failed.filter(|client| client.wants_recording());
                self.shared.waiting.lock().extend(again);
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        }
    }

    fn take(&self) -> Vec<Arc<Client>> {
        let mut waiting = self.shared.waiting.lock();
        let count = waiting.len().min(MOST_AT_ONCE);
        waiting.drain(..count).collect()
    }

    /// Records what one client has; false: it was not, and is to be tried again.
    async fn one(&self, client: &Arc<Client>) -> bool {
        let seqs = client.results();
        if seqs.is_empty() {
            return true; // acknowledged by a call meanwhile
        }
        let ack = Ack {
            user: client.user,
            device: client.device.clone(),
            what: What::These {
                seqs: seqs.clone(),
                ids: Vec::new(),
            },
            via: "hub",
            epoch: Some(client.epoch),
            active: client.is_active(),
            at: None,
        };
        let recorded = self.acks.record(ack).await.is_ok();
        if recorded && client.confirmed(&seqs) {
            self.pager.ask(client.clone());
        }
        recorded
    }
}
