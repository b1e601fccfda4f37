//! Results of handlers that acknowledge (`?acks=result`): what each connection has gathered is one ack, recorded with
//! those of the others. A connection's results wait in its own memory, where what they may acknowledge is known; here
//! waits only the connection.
//!
//! Nobody can be told that a result was not recorded, so it is tried again until it was: also when the connection has
//! ended meanwhile. What waits when the process stops comes again.
//!
//! Bound: a connection waits at most once, with at most 1,000 results (`unconfirmed`).

use std::sync::Arc;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::pager::Pager;
use super::wait_list::{WaitList, pause};
use crate::outbox::ack::{Ack, Acks, What};
use crate::support::lifecycle::Lifecycle;

/// As many as the acks' gatherer commits at once.
const MOST_AT_ONCE: usize = 512;

/// Handle to the recording task. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Results {
    waiting: WaitList<Arc<Client>>,
}

impl Results {
    /// Starts the recording task; it stops when the process does.
    pub(crate) fn start(acks: Acks, pager: Pager, life: &Lifecycle) -> Self {
        let results = Self::default();
        let recorder = Recorder {
            waiting: results.waiting.clone(),
            acks,
            pager,
        };
        life.spawn("results", recorder.run(life.stopping()));
        results
    }

    /// A client's results are to be recorded. Only when the client says so.
    pub(crate) fn record(&self, client: Arc<Client>) {
        self.waiting.add(client);
    }
}

struct Recorder {
    waiting: WaitList<Arc<Client>>,
    acks: Acks,
    pager: Pager,
}

impl Recorder {
    async fn run(self, stopping: CancellationToken) {
        while let Some(clients) = self.waiting.next(MOST_AT_ONCE, &stopping).await {
            // What comes meanwhile is the next round's.
            let all = join_all(clients.iter().map(|client| self.one(client))).await;
            if all.iter().all(|done| *done) {
                continue;
            }
            let failed = clients.into_iter().zip(all).filter(|(_, done)| !done);
            let failed = failed.map(|(client, _)| client);
            // Unless it waits already, for what came meanwhile.
            self.waiting
                .put_back(failed.filter(|client| client.wants_recording()));
            if !pause(&stopping).await {
                return;
            }
        }
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
