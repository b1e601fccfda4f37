//! Counts publications of the HTTP API and how long their publishers waited.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::api::problem::Problem;
use crate::delivery::committer::Accepted;

/// From a quarter of a millisecond (an idle server) to four seconds (a queue that stands).
const BUCKETS: [f64; 12] = [
    0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 4.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    /// The problem's code.
    reason: &'static str,
}

/// Held by the handler that publishes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PublishMetrics {
    accepted: Counter,
    duplicates: Counter,
    refused: Family<Refused, Counter>,
    seconds: Histogram,
}

impl PublishMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let this = Self {
            accepted: Counter::default(),
            duplicates: Counter::default(),
            refused: Family::default(),
            seconds: Histogram::new(BUCKETS),
        };
        registry.register(
            "publishes_accepted",
            "Publications committed through the HTTP API",
            this.accepted.clone(),
        );
        registry.register(
            "publishes_duplicate",
            "Publications answered by an earlier one with the same idempotency key",
            this.duplicates.clone(),
        );
        registry.register(
            "publishes_refused",
            "Publications refused, by the code of the problem",
            this.refused.clone(),
        );
        registry.register_with_unit(
            "publish_latency",
            "From a valid request to its commit",
            Unit::Seconds,
            this.seconds.clone(),
        );
        this
    }

    /// It was committed, or was before.
    pub fn accepted(&self, accepted: &Accepted, waited: Duration) {
        self.seconds.observe(waited.as_secs_f64());
        if accepted.duplicate {
            self.duplicates.inc();
        } else {
            self.accepted.inc();
        }
    }

    /// Nothing was published. Codes are few and ours, so this stays small.
    pub fn refused(&self, problem: &Problem) {
        let reason = Refused {
            reason: problem.code,
        };
        self.refused.get_or_create(&reason).inc();
    }
}
