//! Stops writing to a service that does not work, and tries it with one message now and then.
//!
//! Pure: time comes in with each call. Closed, it counts failures in a row; open, it lets nobody
//! through; after a while one message is the probe, whose fate decides. A service that asks for a
//! pause (429) gets it from everybody, without having failed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

/// Failures in a row that open it.
pub const TOLERATED: u32 = 5;
/// How long it stays open at first; twice as long after each probe that failed.
pub const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// And no longer than this.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(10);
/// A probe that says nothing for so long was given up by its sender; the next one may go.
const PROBE: Duration = Duration::from_mins(1);

/// One service's. Written by every send to it.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// In a row.
    failures: u32,
    /// Closed while `None`; otherwise how often it opened without closing in between.
    opened: Option<u32>,
    /// Nobody goes before this: it is open, or the service asked for a pause.
    until: Option<Timestamp>,
    /// Open, and one message is under way to decide.
    probing: bool,
}

/// What a send showed of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answered sensibly, whatever it said of the one device.
    Works,
    Fails,
    /// It works and wants to be left alone for so long.
    Asks(Duration),
}

impl Breaker {
    /// May a message go? If not, how long to wait.
    pub fn admit(&self, now: Timestamp) -> Result<(), Duration> {
        let mut state = self.0.lock();
        if let Some(until) = state.until
            && now < until
        {
            return Err(between(now, until));
        }
        // Open, and the pause is over: this one is the probe, the others wait for its fate.
        state.probing = state.opened.is_some();
        state.until = state.probing.then(|| later(now, PROBE));
        Ok(())
    }

    /// What became of a message that was admitted. Answers how many failed in a row.
    pub fn record(&self, health: Health, now: Timestamp) -> u32 {
        let mut state = self.0.lock();
        match health {
            Health::Works => *state = State::default(),
            Health::Asks(pause) => {
                *state = State {
                    until: Some(later(now, pause)),
                    ..State::default()
                };
            }
            Health::Fails => {
                state.failures = state.failures.saturating_add(1);
                let opens = match state.opened {
                    None => state.failures >= TOLERATED,
                    Some(_) => state.probing, // others were admitted before it opened
                };
                if opens {
                    let again = state.opened.map_or(0, |opened| opened + 1);
                    let pause = FIRST_PAUSE.saturating_mul(1 << again.min(10));
                    state.opened = Some(again);
                    state.until = Some(later(now, pause.min(LONGEST_PAUSE)));
                    state.probing = false;
                }
            }
        }
        state.failures
    }

    /// Open, or half open?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.lock().opened.is_some()
    }
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    now.saturating_add(pause).unwrap_or(Timestamp::MAX)
}

fn between(now: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::clock::Clock;

    #[test]
    fn it_opens_after_failures_in_a_row_and_closes_by_a_probe() {
        let clock = Clock::manual("2026-11-22T10:00:00Z".parse().unwrap());
        let breaker = Breaker::default();
        let fail = || {
            assert_eq!(breaker.admit(clock.now()), Ok(()));
            breaker.record(Health::Fails, clock.now())
        };
        for count in 1..TOLERATED {
            assert_eq!(fail(), count);
        }
        assert!(!breaker.is_open());
        breaker.record(Health::Works, clock.now());
        for count in 1..=TOLERATED {
            assert_eq!(fail(), count);
        }
        assert!(breaker.is_open());
        assert_eq!(breaker.admit(clock.now()), Err(FIRST_PAUSE));
        breaker.record(Health::Fails, clock.now()); // it was admitted before, and changes nothing
        clock.advance(29_000);
        assert_eq!(breaker.admit(clock.now()), Err(Duration::from_secs(1)));
        clock.advance(1_000);
        assert_eq!(breaker.admit(clock.now()), Ok(()), "the probe");
        assert!(breaker.admit(clock.now()).is_err(), "and nobody beside it");
        breaker.record(Health::Fails, clock.now());
        assert_eq!(breaker.admit(clock.now()), Err(FIRST_PAUSE * 2));
        clock.advance(60_000);
        assert_eq!(breaker.admit(clock.now()), Ok(()));
        breaker.record(Health::Works, clock.now());
        assert!(!breaker.is_open());
        assert_eq!(breaker.admit(clock.now()), Ok(()));
        assert_eq!(breaker.admit(clock.now()), Ok(()));
    }

    #[test]
    fn a_probe_that_was_given_up_is_followed_by_another() {
        let clock = Clock::manual("2026-11-22T10:00:00Z".parse().unwrap());
        let breaker = Breaker::default();
        for _ in 0..TOLERATED {
            breaker.record(Health::Fails, clock.now());
        }
        clock.advance(30_000);
        assert_eq!(breaker.admit(clock.now()), Ok(()));
        assert_eq!(breaker.admit(clock.now()), Err(PROBE));
        clock.advance(60_000);
        assert_eq!(breaker.admit(clock.now()), Ok(()));
    }

    #[test]
    fn pauses_double_up_to_ten_minutes_and_stragglers_do_not_lengthen_them() {
        let clock = Clock::manual("2026-11-22T10:00:00Z".parse().unwrap());
        let breaker = Breaker::default();
        for _ in 0..TOLERATED {
            breaker.record(Health::Fails, clock.now());
        }
        for seconds in [30, 60, 120, 240, 480, 600, 600] {
            let wait = breaker.admit(clock.now()).unwrap_err();
            assert_eq!(wait, Duration::from_secs(seconds));
            clock.advance(i64::try_from(wait.as_millis()).unwrap());
            assert_eq!(breaker.admit(clock.now()), Ok(()));
            breaker.record(Health::Fails, clock.now());
        }
        let wait = breaker.admit(clock.now()).unwrap_err();
        breaker.record(Health::Works, clock.now());
        assert!(wait > Duration::ZERO && breaker.admit(clock.now()).is_ok());
        breaker.record(Health::Asks(Duration::from_secs(90)), clock.now());
        assert_eq!(breaker.admit(clock.now()), Err(Duration::from_secs(90)));
        assert!(!breaker.is_open());
        clock.advance(90_000);
        assert_eq!(breaker.admit(clock.now()), Ok(()));
        assert_eq!(breaker.admit(clock.now()), Ok(()));
    }
}
