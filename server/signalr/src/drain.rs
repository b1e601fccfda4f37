//! Leaving in good order: connections are told to go in rounds, so that they do not all come back to
//! the other nodes at once.

use std::{sync::Arc, time::Duration};

use tokio::time::MissedTickBehavior;

use crate::{Hub, server::Shared};

/// See [`HubServer::drain`](crate::HubServer::drain).
pub(crate) async fn drain<H: Hub>(server: Arc<Shared<H>>, batch: usize, over: Duration) {
    server.stop_accepting();
    let connections = server.registry.all();
    let batch = batch.max(1);
    let rounds = connections.len().div_ceil(batch);
    tracing::info!(connections = connections.len(), rounds, "draining");
    let pause = over / u32::try_from(rounds.max(1)).unwrap_or(u32::MAX);
    let mut ticks = tokio::time::interval(pause.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for round in connections.chunks(batch) {
        ticks.tick().await;
        for connection in round {
            connection.close(None, true);
        }
    }
    // Those that were in their handshake when the list was made.
    for connection in server.registry.all() {
        connection.close(None, true);
    }
    server.registry.wait_until_empty().await;
}
