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
    /// `None`: whoever started us wants it ignored, as `nohup` does.
    hangup: Option<Signal>,
}

impl Signals {
    pub fn catch() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: (!ignores_hangup())
                .then(|| signal(SignalKind::hangup()))
                .transpose()?,
        })
    }

    /// Resolves at the next signal, with its name.
    pub async fn next(&mut self) -> &'static str {
        let hangup = async {
            match &mut self.hangup {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = hangup => "SIGHUP",
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

/// Whether SIGHUP, the first of the mask, is ignored since before we ran; catching it would undo that.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}
