//! How long to wait before the next attempt.
//!
//! Full jitter: a uniform share of an exponentially growing cap. After a server restart all pages
//! drop in the same instant; equal delays would bring them back in the same instant too.

/// Cap of the first delay, in milliseconds.
pub const FIRST: u32 = 300;
/// Cap of every late delay, in milliseconds.
pub const LONGEST: u32 = 20_000;
/// No delay is shorter: a refused connection must not become a busy loop.
pub const SHORTEST: u32 = 50;
/// A connection that lived this long was a success; a shorter one does not reset the schedule.
pub const STABLE: i64 = 10_000;

/// Counts the failures in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The delay before the next attempt, and one more failure counted. `random` is in `0..1`.
    pub fn next(&mut self, random: f64) -> u32 {
        let cap = FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        share(cap, random)
    }

    /// The delay between attempts that are not expected to succeed: the browser says "no network".
    pub fn longest(random: f64) -> u32 {
        LONGEST / 2 + share(LONGEST / 2, random)
    }

    /// The last connection was a success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// A random share of `cap`, at least [`SHORTEST`].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=1 first, so the product lies within 0..=cap"
)]
pub fn share(cap: u32, random: f64) -> u32 {
    ((f64::from(cap) * random.clamp(0.0, 1.0)) as u32).max(SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_the_cap_and_starts_over_after_a_success() {
        let mut backoff = Backoff::default();
        let caps = (0..9).map(|_| backoff.next(1.0)).collect::<Vec<_>>();
        assert_eq!(
            caps,
            [300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 20_000, 20_000]
        );
        for _ in 0..100 {
            assert!(backoff.next(0.999) <= LONGEST, "endless, and no overflow");
        }
        backoff.reset();
        assert_eq!(backoff.next(0.5), 150);
    }

    #[test]
    fn jitter_is_full_but_never_zero() {
        assert_eq!(Backoff::default().next(0.0), SHORTEST);
        assert_eq!(Backoff::default().next(f64::NAN), SHORTEST);
        assert_eq!(Backoff::longest(0.0), 10_050);
        assert_eq!(Backoff::longest(1.0), 20_000);
    }
}
