//! A client that takes nothing of what waits for it, where the socket is the HTTP server's.

use std::{future::poll_fn, time::Duration};

use tokio::time::sleep;

use crate::connection::Outbound;

/// Returns once something has waited for `patience` without anything being taken. Keeps a timer only
/// while something waits.
pub(super) async fn stalled(outbound: &Outbound, patience: Duration) {
    loop {
        let batches = poll_fn(|cx| outbound.poll_backlog(cx)).await;
        // Boxed: an idle connection does not need it.
        Box::pin(sleep(patience)).await;
        if outbound.is_stuck_at(batches) {
            return;
        }
    }
}
