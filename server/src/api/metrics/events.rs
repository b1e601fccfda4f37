//! Counts live events by what became of them.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use crate::hub::Handed;

/// Held by the handler that sends. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct EventMetrics {
    sent: Counter,
    dropped: Counter,
}

impl EventMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let this = Self::default();
        registry.register(
            "events_sent",
            "Live events handed to connections, one a connection",
            this.sent.clone(),
        );
        registry.register(
            "events_dropped",
            "Live events not handed to connections that were too far behind",
            this.dropped.clone(),
        );
        this
    }

    /// An event was handed out.
    pub fn told(&self, handed: &Handed) {
        self.sent.inc_by(handed.sent as u64);
        self.dropped.inc_by(handed.dropped as u64);
    }
}
