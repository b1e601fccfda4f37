//! Durations as they were taken, and what is read off them: no buckets, no means.

use std::time::Duration;

/// Of one kind.
#[derive(Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// One more.
    pub fn add(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// Those of another.
    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The smallest sample that so many per cent of all are not above (nearest rank),
    /// in milliseconds. NaN without samples.
    pub fn percentile(&mut self, percent: usize) -> f64 {
        self.0.sort_unstable();
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0
            .get(rank.saturating_sub(1))
            .map_or(f64::NAN, |sample| sample.as_secs_f64() * 1_000.0)
    }

    /// The median, in milliseconds.
    pub fn p50(&mut self) -> f64 {
        self.percentile(50)
    }

    /// In milliseconds.
    pub fn p99(&mut self) -> f64 {
        self.percentile(99)
    }

    /// The longest, in milliseconds.
    pub fn max(&mut self) -> f64 {
        self.percentile(100)
    }
}
