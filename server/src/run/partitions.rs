//! Makes the coming days' partitions, hourly: from yesterday to four days ahead, so that four missed days of timer
//! still lose nothing.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::store::{self, Pool};
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;

const EVERY: Duration = Duration::from_hours(1);

/// Starts the task; it stops when the process does.
pub fn start(pool: Pool, clock: Clock, life: &Lifecycle) {
    life.spawn("partitions", run(pool, clock, life.stopping()));
}

async fn run(pool: Pool, clock: Clock, stopping: CancellationToken) {
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let made = match pool.acquire().await {
            Ok(mut conn) => store::ledger::ensure_partitions(&mut conn, clock.now()).await,
            Err(error) => Err(error),
        };
        match made {
            Ok(0) => {}
            Ok(made) => tracing::info!(made, "partitions made ahead"),
            Err(error) => tracing::error!(%error, "partitions not made; the next hour tries again"),
        }
    }
}
