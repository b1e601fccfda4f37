//! What the hub does: deliveries are counted as they pass, the rest is read at the scrape.

use std::sync::Arc;

use app::protocol::Patch;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use uuid::Uuid;

use crate::delivery::{Dispatch, Routed};
use crate::hub::Hub;

/// A dispatcher in front of another, with a counter.
pub(super) struct Counted {
    deliveries: Counter,
    inner: Arc<dyn Dispatch>,
}

impl Counted {
    pub(super) fn register(registry: &mut Registry, inner: Arc<dyn Dispatch>) -> Self {
        let deliveries = Counter::default();
        registry.register(
            "deliveries_dispatched",
            "Deliveries committed and handed to the hub, whether their user is here or not",
            deliveries.clone(),
        );
        Self { deliveries, inner }
    }
}

impl Dispatch for Counted {
    fn deliver(&self, routed: &[Routed]) {
        let count: usize = routed.iter().map(|one| one.recipients.len()).sum();
        self.deliveries
            .inc_by(u64::try_from(count).unwrap_or(u64::MAX));
        self.inner.deliver(routed);
    }

    fn patch(&self, tenant: Uuid, group: &str, patch: &Patch) {
        self.inner.patch(tenant, group, patch);
    }
}

/// Reads the hub when somebody asks.
pub(super) struct Live {
    hub: Arc<Hub>,
}

impl Live {
    pub(super) fn new(hub: Arc<Hub>) -> Self {
        Self { hub }
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Live").finish_non_exhaustive()
    }
}

impl Collector for Live {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut family = encoder.encode_descriptor(
            "connections",
            "Open connections of this node.",
            None,
            MetricType::Gauge,
        )?;
        for (transport, count) in self.hub.totals() {
            let gauge = ConstGauge::new(count);
            gauge.encode(family.encode_family(&[("transport", transport)])?)?;
        }

        let mut family = encoder.encode_descriptor(
            "acks",
            "Items newly acknowledged by a device; `reached` is the transport's evidence.",
            None,
            MetricType::Counter,
        )?;
        for (via, count) in self.hub.acks().tally().read() {
            let counter = ConstCounter::new(count);
            counter.encode(family.encode_family(&[("via", via)])?)?;
        }

        let unrecorded = ConstCounter::new(self.hub.unrecorded());
        let encoder = encoder.encode_descriptor(
            "attempts_unrecorded",
            "Writes to connections that no row tells of: the queue of the record was full.",
            None,
            MetricType::Counter,
        )?;
        unrecorded.encode(encoder)
    }
}
