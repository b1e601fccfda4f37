//! The budget of collapsible messages, of FCM and of Chrome's `Topic`: twenty at once for a device,
//! then one in three minutes. What is over it is accepted, and comes late.

use jiff::Timestamp;

const AT_ONCE: i64 = 20;
const ONE_EACH: i64 = 180_000;

#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// Milliseconds' worth of budget, and when that was so.
    left: i64,
    at: Option<i64>,
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            left: AT_ONCE * ONE_EACH,
            at: None,
        }
    }
}

impl Bucket {
    /// Takes one; `false`: it comes late.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        let now = now.as_millisecond();
        let passed = now - self.at.unwrap_or(now);
        self.at = Some(now);
        self.left = (self.left + passed).min(AT_ONCE * ONE_EACH);
        let enough = self.left >= ONE_EACH;
        if enough {
            self.left -= ONE_EACH;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::clock::Clock;

    #[test]
    fn twenty_and_then_one_in_three_minutes() {
        let clock = Clock::manual("2026-11-22T10:00:00Z".parse().unwrap());
        let mut bucket = Bucket::default();
        assert!((0..20).all(|_| bucket.take(clock.now())));
        assert!(!bucket.take(clock.now()));
        clock.advance(179_999);
        assert!(!bucket.take(clock.now()));
        clock.advance(1);
        assert!(bucket.take(clock.now()));
        assert!(!bucket.take(clock.now()));
    }
}
