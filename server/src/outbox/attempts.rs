//! The record of writes to connections, appended in bulk within a second. It may be lost by a
//! crash: no promise rests on it, it explains and counts.
//!
//! Bound: 16,384 waiting; over it attempts are not recorded and a counter says how many.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::store::Pool;
use crate::store::acks::{self, Attempt};
use crate::support::lifecycle::Lifecycle;

const MOST_WAITING: usize = 16_384;
const MOST_A_STATEMENT: usize = 2_000;
const GATHER: Duration = Duration::from_millis(500);

/// Handle to the record. Cheap to clone.
#[derive(Clone)]
pub struct Attempts {
    waiting: mpsc::Sender<Attempt>,
    unrecorded: Arc<AtomicU64>,
}

impl Attempts {
    /// Starts the writing task.
    #[must_use]
    pub fn start(pool: Pool, life: &Lifecycle) -> Self {
        let (waiting, queue) = mpsc::channel(MOST_WAITING);
        life.spawn("attempts", run(pool, queue, life.stopping()));
        Self {
            waiting,
            unrecorded: Arc::default(),
        }
    }

    /// Notes an attempt. Never blocks.
    pub fn note(&self, attempt: Attempt) {
        if self.waiting.try_send(attempt).is_err() {
            self.unrecorded.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Attempts that found the queue full.
    #[must_use]
    pub fn unrecorded(&self) -> u64 {
        self.unrecorded.load(Ordering::Relaxed)
    }
}

async fn run(pool: Pool, mut queue: mpsc::Receiver<Attempt>, stopping: CancellationToken) {
    let mut batch = Vec::new();
    loop {
        let stop = tokio::select! {
            () = stopping.cancelled() => true,
            () = tokio::time::sleep(GATHER) => false,
        };
        loop {
            batch.clear();
            while batch.len() < MOST_A_STATEMENT
                && let Ok(attempt) = queue.try_recv()
            {
                batch.push(attempt);
            }
            if batch.is_empty() {
                break;
            }
            let written = match pool.acquire().await {
                Ok(mut conn) => acks::append_attempts(&mut conn, &batch).await,
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                tracing::warn!(%error, count = batch.len(), "attempts not recorded");
                break;
            }
        }
        if stop {
            return;
        }
    }
}
