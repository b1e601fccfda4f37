//! What the SignalR server tells of its connections: counted as it happens, in numbers only.

use std::sync::Arc;
use std::time::Duration;

use app::protocol::call;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use signalr::protocol::TransportKind;
use signalr::{CallOutcome, CloseReason, Limit, Observer};

/// From a call that needs no database to one that waited for a busy one.
const BUCKETS: [f64; 9] = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 1.0, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Opened {
    transport: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Closed {
    transport: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    method: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Limited {
    limit: &'static str,
}

/// Held by the hub's server.
#[derive(Debug)]
pub struct HubMetrics {
    opened: Family<Opened, Counter>,
    closed: Family<Closed, Counter>,
    /// Messages, then bytes, framing included.
    received: (Counter, Counter),
    sent: (Counter, Counter),
    calls: Family<Called, Counter>,
    seconds: Histogram,
    limits: Family<Limited, Counter>,
}

impl HubMetrics {
    pub(super) fn register(registry: &mut Registry) -> Arc<Self> {
        let this = Self {
            opened: Family::default(),
            closed: Family::default(),
            received: Default::default(),
            sent: Default::default(),
            calls: Family::default(),
            seconds: Histogram::new(BUCKETS),
            limits: Family::default(),
        };
        registry.register(
            "connections_opened",
            "Transports connected, their handshake still to come",
            this.opened.clone(),
        );
        registry.register(
            "connections_closed",
            "Connections ended, by why",
            this.closed.clone(),
        );
        for (way, (messages, bytes)) in [("received", &this.received), ("sent", &this.sent)] {
            registry.register(
                format!("messages_{way}"),
                format!("Hub messages {way}"),
                messages.clone(),
            );
            registry.register_with_unit(
                format!("messages_{way}"),
                format!("Hub messages {way}, framing included"),
                Unit::Bytes,
                bytes.clone(),
            );
        }
        registry.register("calls", "Calls of clients answered", this.calls.clone());
        registry.register_with_unit(
            "call_latency",
            "From a call to its answer, an ack's commit included",
            Unit::Seconds,
            this.seconds.clone(),
        );
        registry.register(
            "limits_met",
            "Bounds that a client met (docs/integrators/signalr.md, limits)",
            this.limits.clone(),
        );
        // At zero from the start: what has no series cannot be watched.
        for limit in Limit::ALL {
            let _zero = this.limits.get_or_create(&Limited {
                limit: limit.name(),
            });
        }
        Arc::new(this)
    }
}

/// What the event stream is called beside SignalR's transports.
const STREAM: &str = "Stream";

/// Event streams are connections too; nobody observes them but who opens them.
impl HubMetrics {
    /// An event stream was opened.
    pub fn stream_opened(&self) {
        let transport = STREAM;
        self.opened.get_or_create(&Opened { transport }).inc();
    }

    /// An event stream ended, by the server's wish or because its client was gone.
    pub fn stream_closed(&self, by_server: bool) {
        let reason = if by_server {
            CloseReason::Server
        } else {
            CloseReason::Lost
        };
        let closed = Closed {
            transport: STREAM,
            reason: reason.name(),
        };
        self.closed.get_or_create(&closed).inc();
    }
}

impl Observer for HubMetrics {
    fn opened(&self, transport: TransportKind) {
        let transport = transport.name();
        self.opened.get_or_create(&Opened { transport }).inc();
    }

    fn closed(&self, transport: TransportKind, reason: CloseReason, _after: Duration) {
        let closed = Closed {
            transport: transport.name(),
            reason: reason.name(),
        };
        self.closed.get_or_create(&closed).inc();
    }

    fn received(&self, bytes: usize) {
        self.received.0.inc();
        self.received.1.inc_by(bytes as u64);
    }

    fn sent(&self, messages: usize, bytes: usize) {
        self.sent.0.inc_by(messages as u64);
        self.sent.1.inc_by(bytes as u64);
    }

    fn called(&self, target: &str, outcome: CallOutcome, took: Duration) {
        let called = Called {
            method: known(target),
            outcome: outcome.name(),
        };
        self.calls.get_or_create(&called).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    fn limited(&self, limit: Limit) {
        let limit = limit.name();
        self.limits.get_or_create(&Limited { limit }).inc();
    }
}

/// A client may write a name in any case; it may not make a series of each.
fn known(target: &str) -> &'static str {
    let is = |name: &&&str| name.eq_ignore_ascii_case(target);
    call::ALL.iter().find(is).copied().unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_another_case_is_no_other_series() {
        assert_eq!(known("JOINGROUP"), "JoinGroup");
        assert_eq!(known("resume"), "Resume");
        assert_eq!(known("Resume2"), "other");
    }
}
