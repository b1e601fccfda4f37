//! What the hub tells the outbox about writes: attempts, for "explain" and counts.

use super::client::Client;
use crate::outbox::attempts::Attempts;
use crate::store::acks::Attempt;
use crate::support::clock::Clock;

/// Notes writes to connections. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Recorder {
    attempts: Attempts,
    clock: Clock,
}

impl Recorder {
    pub(crate) fn new(attempts: Attempts, clock: Clock) -> Self {
        Self { attempts, clock }
    }

    /// Attempts that found the queue full.
    pub(crate) fn unrecorded(&self) -> u64 {
        self.attempts.unrecorded()
    }

    /// An item was handed to a connection's queue.
    pub(crate) fn written(&self, client: &Client, seq: i64) {
        self.attempts.note(Attempt {
            user: client.user,
            seq,
            tenant: client.tenant,
            device: client.device.as_deref().unwrap_or_default().to_owned(),
            transport: client.line.transport().name(),
            connection: client.line.id().to_owned(),
            at: self.clock.now().as_microsecond(),
        });
    }
}
