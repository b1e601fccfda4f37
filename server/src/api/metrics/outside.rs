//! What lies outside of the process: the database's doorbell and the push providers, read at the scrape.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::delivery::doorbell::Doorbell;
use crate::push::Pusher;

/// Asked when somebody asks.
pub(super) struct Outside {
    doorbell: Doorbell,
    pusher: Arc<Pusher>,
}

impl Outside {
    pub(super) fn new(doorbell: Doorbell, pusher: Arc<Pusher>) -> Self {
        Self { doorbell, pusher }
    }
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Outside").finish_non_exhaustive()
    }
}

impl Collector for Outside {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let family = encoder.encode_descriptor(
            "doorbell_age_seconds",
            "From NOTIFY to hearing it, of the last canary; over 2 s LISTEN is swallowed and the table is polled.",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(self.doorbell.age().as_secs_f64()).encode(family)?;

        let mut family = encoder.encode_descriptor(
            "pushes",
            "Pushes that went out to a provider's service, by what it answered.",
            None,
            MetricType::Counter,
        )?;
        for tally in self.pusher.tally() {
            for (outcome, count) in tally.outcomes {
                let labels = [("service", tally.service), ("outcome", outcome)];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        let mut family = encoder.encode_descriptor(
            "push_breaker_open",
            "1 while nothing is sent to the service, because it has failed again and again.",
            None,
            MetricType::Gauge,
        )?;
        for tally in self.pusher.tally() {
            let open = ConstGauge::new(i64::from(tally.open));
            open.encode(family.encode_family(&[("service", tally.service)])?)?;
        }
        Ok(())
    }
}
