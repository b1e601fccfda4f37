//! Closes connections whose token has expired, so that their client comes back with a fresh one, and
//! forgets event streams that nobody reads.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::line::Line;
use super::workflow::Shared;
use crate::support::lifecycle::Lifecycle;

/// As often as the official server looks.
const EVERY: Duration = Duration::from_secs(1);

/// Starts the task; it stops when the process does.
pub(crate) fn start(shared: Arc<Shared>, life: &Lifecycle) {
    life.spawn("token expiry", run(shared, life.stopping()));
}

async fn run(shared: Arc<Shared>, stopping: CancellationToken) {
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let now = shared.clock.now().as_millisecond();
        for client in shared.registry.all() {
            if client.expires_at() <= now {
                client.line.close(None, true);
            }
            if let Line::Stream(stream) = &client.line
                && stream.is_stalled()
            {
                shared.leave(&client);
            }
        }
    }
}
