//! Our hub on its route: what the SignalR server may do for a client, what one may take up, and how
//! all leave when the process stops.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::request::Parts;
use signalr::{Admission, HubOptions, HubServer, Negotiation, Observer};

use super::client::Client;
use super::workflow::{Hub, NO_USER};
use crate::auth::{Principal, Who};
use crate::support::address::{TrustedProxies, household};
use crate::support::config;
use crate::support::lifecycle::Lifecycle;

/// Connections told to leave at once, and how long for each such round: 10,000 a second, so that the
/// nodes they go to meet a stream of handshakes and not a wall of them.
const ROUND: usize = 250;
const ROUND_TIME: Duration = Duration::from_millis(25);

/// Serves `hub` within these bounds.
pub(crate) fn serve(
    hub: Arc<Hub>,
    bounds: config::Hub,
    proxies: TrustedProxies,
    observer: Arc<dyn Observer>,
    life: &Lifecycle,
) -> HubServer<Hub> {
    let some = |most: usize| (most > 0).then_some(most);
    let options = HubOptions {
        // In version 0 a connection's public id, which administrators see, is its secret too.
        min_negotiate_version: 1,
        max_connections_per_user: some(bounds.user_connections),
        max_connections_per_address: some(bounds.address_connections),
        max_invocations_per_second: (bounds.calls_per_second > 0)
            .then_some(bounds.calls_per_second),
        stateful_reconnect: true,
        observer,
        ..HubOptions::default()
    };
    HubServer::new(hub, options, life.tracker(), life.stopping()).with_admission(Door { proxies })
}

/// Lets nobody new in and tells all to come back elsewhere, in rounds within `most`; running calls
/// are answered first. Returns when the last has left.
pub(crate) async fn drain(server: &HubServer<Hub>, most: Duration) {
    let hub = server.hub();
    let streams = hub.streams();
    let count = server.count() + streams.len();
    let rounds = count.div_ceil(ROUND);
    let wanted = ROUND_TIME.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
    let over = wanted.min(most);
    // Fewer rounds where the time allows no more.
    let fitting = (over.as_millis() / ROUND_TIME.as_millis()).max(1);
    let batch = count.div_ceil(usize::try_from(fitting).unwrap_or(usize::MAX));
    // From its first step on the server lets nobody in, and neither do the streams.
    tokio::join!(
        server.drain(batch.max(1), over),
        dismiss(hub, &streams, batch.max(1))
    );
}

/// Sends event streams elsewhere, in rounds; returns when all are gone.
async fn dismiss(hub: &Hub, streams: &[Arc<Client>], batch: usize) {
    for round in streams.chunks(batch) {
        for client in round {
            client.line.close(None, true);
        }
        tokio::time::sleep(ROUND_TIME).await;
    }
    loop {
        // Those that were on their way when the list was made.
        let left = hub.streams();
        if left.is_empty() {
            return;
        }
        for client in left {
            client.line.close(None, true);
        }
        tokio::time::sleep(ROUND_TIME).await;
    }
}

/// Tells the server who may come, and where a request comes from.
struct Door {
    proxies: TrustedProxies,
}

impl Admission<Principal> for Door {
    /// A client of another kind would be told that the connection is somebody else's, once it connects.
    fn negotiate<'a>(
        &'a self,
        principal: &'a Principal,
        _request: &'a Parts,
    ) -> BoxFuture<'a, Negotiation> {
        let answer = match principal.who {
            Who::User { .. } => Negotiation::Here,
            _ => Negotiation::Refused(NO_USER.to_owned()),
        };
        Box::pin(ready(answer))
    }

    fn address_key(&self, request: &Parts) -> Option<String> {
        let client = self
            .proxies
            .client_of(&request.extensions, &request.headers)?;
        Some(household(client).to_string())
    }
}
