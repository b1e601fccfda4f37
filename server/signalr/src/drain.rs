//! Leaving in good order: connections are told to go in rounds, so that they do not all come back to
//! the other nodes at once, and not before their running calls are answered.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::{Instant, MissedTickBehavior, sleep};

use crate::{Connection, endpoint::Endpoint, server::Shared};

/// How often a connection's running calls are looked at.
const LOOK: Duration = Duration::from_millis(20);

/// See [`HubServer::drain`](crate::HubServer::drain).
pub(crate) async fn drain<E: Endpoint>(server: Arc<Shared<E>>, batch: usize, over: Duration) {
    server.stop_accepting();
    let connections = server.registry.all();
    let batch = batch.max(1);
    let rounds = connections.len().div_ceil(batch);
    tracing::info!(connections = connections.len(), rounds, "draining");
    let pause = over / u32::try_from(rounds.max(1)).unwrap_or(u32::MAX);
    let mut ticks = tokio::time::interval(pause.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let patience = server.options.drain_calls_timeout;
    let mut leaving = FuturesUnordered::new();
    for round in connections.chunks(batch) {
        // Rounds overlap: one slow call must not hold up the others.
        let mut tick = pin!(ticks.tick());
        loop {
            tokio::select! {
                _ = &mut tick => break,
                Some(()) = leaving.next() => {}
            }
        }
        for connection in round {
            connection.no_more_calls();
            leaving.push(dismiss(connection, patience));
        }
    }
    while leaving.next().await.is_some() {}
    // Those that were in their handshake when the list was made.
    for connection in server.registry.all() {
        connection.close(None, true);
    }
    server.registry.wait_until_empty().await;
}

/// Closes it once its running calls are answered, or have had their time.
async fn dismiss<P>(connection: &Connection<P>, patience: Duration) {
    let end = Instant::now() + patience;
    while connection.running_calls() > 0 && Instant::now() < end && !connection.is_closed() {
        sleep(LOOK).await;
    }
    connection.close(None, true);
}
