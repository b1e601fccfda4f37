//! SIGINT, SIGTERM and SIGHUP stop the process: the first softly, the second (or ten seconds) hard. SIGHUP is what a
//! terminal sends that is closed: without it the embedded PostgreSQL would be left running.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::support::lifecycle::Lifecycle;

/// How long tasks may take to finish what they hold.
const SOFT: Duration = Duration::from_secs(10);
/// How long dropped tasks may take to be gone.
const HARD: Duration = Duration::from_secs(2);

/// The signals, caught from the moment this is made.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    pub fn catch() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Resolves at the next signal, with its name.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hangup.recv() => "SIGHUP",
        }
    }

    /// Stops everything `life` holds and returns when it has ended.
    pub async fn stop(&mut self, life: &Lifecycle) {
        life.stop();
        tokio::select! {
            () = life.ended() => return,
            name = self.next() => tracing::warn!("{name} again: stopping at once"),
            () = tokio::time::sleep(SOFT) => {
                tracing::warn!("not all was finished within {} s: stopping at once", SOFT.as_secs());
            }
        }
        life.kill();
        if tokio::time::timeout(HARD, life.ended()).await.is_err() {
            tracing::error!("some tasks do not end; leaving them");
        }
    }
}
