//! How many calls a client may make per second: a bucket of one second's worth.

use tokio::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct Rate {
    per_second: u32,
    /// Thousandths of a call.
    tokens: u64,
    filled: Instant,
}

impl Rate {
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            tokens: u64::from(per_second) * 1000,
            filled: Instant::now(),
        }
    }

    /// Whether one more is within the bound.
    pub(crate) fn take(&mut self) -> bool {
        let most = u64::from(self.per_second) * 1000;
        let millis = u64::try_from(self.filled.elapsed().as_millis()).unwrap_or(u64::MAX);
        if millis > 0 {
            let new = u64::from(self.per_second).saturating_mul(millis);
            self.tokens = self.tokens.saturating_add(new).min(most);
            // Not to now: the part of a millisecond would be lost each time.
            self.filled += Duration::from_millis(millis);
        }
        let allowed = self.tokens >= 1000;
        if allowed {
            self.tokens -= 1000;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_the_rate() {
        let mut rate = Rate::new(2);
        assert!(rate.take() && rate.take());
        assert!(!rate.take());
        tokio::time::advance(Duration::from_millis(499)).await;
        assert!(!rate.take());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(rate.take() && !rate.take());
        tokio::time::advance(Duration::from_secs(100)).await;
        assert!(rate.take() && rate.take() && !rate.take());
        assert!(!Rate::new(0).take());
    }

    #[tokio::test(start_paused = true)]
    async fn who_keeps_to_the_rate_is_never_refused() {
        let mut rate = Rate::new(600);
        for _ in 0..5_000 {
            tokio::time::advance(Duration::from_micros(1_900)).await;
            assert!(rate.take(), "526 a second");
        }
    }
}
