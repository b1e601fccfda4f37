//! Repetitions of one figure for the hub and its twin in turn, and what is said of them.

use std::fmt;
use std::time::Duration;

/// Medians, and the ratios of the pairs.
pub(crate) struct Repeated {
    pub(crate) ours: f64,
    pub(crate) twin: f64,
    /// Smallest and largest ratio of a pair.
    ratios: (f64, f64),
    times: usize,
}

impl Repeated {
    /// Pairs that were measured one right after the other.
    pub(crate) fn of(ours: Vec<f64>, twin: Vec<f64>) -> Self {
        let ratios = ours.iter().zip(&twin).map(|(ours, twin)| ours / twin);
        let (least, most) = ratios.fold((f64::INFINITY, 0.0_f64), |(least, most), ratio| {
            (least.min(ratio), most.max(ratio))
        });
        Self {
            times: ours.len(),
            ours: median(ours),
            twin: median(twin),
            ratios: (least, most),
        }
    }
}

impl fmt::Display for Repeated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = self.ratios;
        write!(
            f,
            "medians of {} pairs, whose ratios lie between {least:.2} and {most:.2}",
            self.times
        )
    }
}

/// NaN of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// So many in that time, as so many a second.
#[expect(clippy::cast_precision_loss, reason = "counts of seconds fit")]
pub(crate) fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
