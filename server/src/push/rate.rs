//! How fast messages may go: a bucket whose rate climbs slowly. Google wants a sender to take a
//! minute from nothing to its maximum, and refuses whole projects that do not.
//!
//! Pure: time comes in. Whoever comes too early is told when to come back, nobody waits here.

use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;

/// Milliseconds from the first message to the full rate; and after so long without any, from anew.
const RAMP: i64 = 60_000;

/// One service's. Written by every send to it.
#[derive(Debug)]
pub struct Rate {
    /// Messages a second, at first and in the end.
    from: u32,
    to: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the climb began and when a message last went; milliseconds.
    began: Option<i64>,
    last: i64,
    /// Thousandths of messages in the bucket.
    left: i64,
}

impl Rate {
    #[must_use]
    pub fn new(from: u32, to: u32) -> Self {
        Self {
            from,
            to: to.max(from),
            state: Mutex::default(),
        }
    }

    /// Takes one message's place, or says when there will be one.
    pub fn take(&self, now: Timestamp) -> Result<(), Duration> {
        let now = now.as_millisecond();
        let mut state = self.state.lock();
        let began = match state.began {
            Some(began) if now - state.last < RAMP => began,
            _ => {
                *state = State {
                    began: Some(now),
                    last: now,
                    left: i64::from(self.from) * 1000,
                };
                now
            }
        };
        let (from, to) = (i64::from(self.from), i64::from(self.to));
        let climbed = (now - began).clamp(0, RAMP);
        let a_second = (from + (to - from) * climbed / RAMP).max(1);
        // A second's worth at most: no quota is spent at its start.
        let passed = (now - state.last).clamp(0, RAMP);
        state.left = (state.left + passed * a_second).min(a_second * 1000);
        state.last = now;
        if state.left >= 1000 {
            state.left -= 1000;
            return Ok(());
        }
        let missing = (1000 - state.left).div_euclid(a_second) + 1;
        Err(Duration::from_millis(u64::try_from(missing).unwrap_or(1)))
    }

    /// The provider had enough: from the start again.
    pub fn restart(&self) {
        *self.state.lock() = State::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::clock::Clock;

    /// How many go within the next second.
    fn second(rate: &Rate, clock: &Clock) -> u32 {
        let mut gone = 0;
        for _ in 0..1000 {
            while rate.take(clock.now()).is_ok() {
                gone += 1;
            }
            clock.advance(1);
        }
        gone
    }

    #[test]
    fn the_rate_climbs_for_a_minute_and_starts_anew_after_one() {
        let clock = Clock::manual("2026-11-22T10:00:00Z".parse().unwrap());
        let rate = Rate::new(10, 610);
        let first = second(&rate, &clock);
        assert!((10..=26).contains(&first), "{first}"); // a full bucket, and what comes in
        for _ in 0..28 {
            second(&rate, &clock);
        }
        let middle = second(&rate, &clock);
        assert!((295..=310).contains(&middle), "{middle}");
        for _ in 0..30 {
            second(&rate, &clock);
        }
        assert!((608..=612).contains(&second(&rate, &clock)));
        clock.advance(1_000);
        assert!(
            second(&rate, &clock) <= 1_222,
            "idle time saves up one second's worth"
        );
        clock.advance(RAMP);
        assert!(second(&rate, &clock) <= 26);
        rate.restart();
        assert!(second(&rate, &clock) <= 26);
    }

    #[test]
    fn who_comes_too_early_is_told_when_to_come() {
        let clock = Clock::manual("2026-11-22T10:00:00Z".parse().unwrap());
        let rate = Rate::new(2, 2);
        assert!(rate.take(clock.now()).is_ok() && rate.take(clock.now()).is_ok());
        let wait = rate.take(clock.now()).unwrap_err();
        assert_eq!(wait.as_millis(), 501);
        clock.advance(501);
        assert!(rate.take(clock.now()).is_ok());
    }
}
