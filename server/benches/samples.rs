//! Durations as they were taken, and what is read off them: no buckets, no means.

use std::time::Duration;

#[derive(Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    pub(crate) fn add(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    pub(crate) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The smallest sample that so many per cent of all are not above (nearest rank),
    /// in milliseconds. NaN without samples.
    pub(crate) fn percentile(&mut self, percent: usize) -> f64 {
        self.0.sort_unstable();
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0
            .get(rank.saturating_sub(1))
            .map_or(f64::NAN, |sample| sample.as_secs_f64() * 1_000.0)
    }

    pub(crate) fn p50(&mut self) -> f64 {
        self.percentile(50)
    }

    pub(crate) fn p99(&mut self) -> f64 {
        self.percentile(99)
    }

    pub(crate) fn max(&mut self) -> f64 {
        self.percentile(100)
    }
}
