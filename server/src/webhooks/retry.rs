//! When a request that was not taken is sent again: growing pauses, spread so that receivers that come back are not
//! met by everything at once, for a day.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// After that a request is given up.
pub(super) const LONGEST: SignedDuration = SignedDuration::from_hours(24);
/// Seconds after the first failure, the second, …; the last from then on.
const PAUSES: [i64; 8] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 10_800];
/// No receiver asks for a longer pause.
const MOST_ASKED: Duration = Duration::from_hours(1);

/// When to try again; `None`: not any more. `tries`: how often it failed, this time included; `asked`: the receiver's
/// own wish; `spread`: 0.0 to 1.0.
pub(super) fn next(
    made_at: Timestamp,
    tries: i16,
    asked: Option<Duration>,
    spread: f64,
    now: Timestamp,
) -> Option<Timestamp> {
    let nth = usize::try_from(tries.max(1) - 1).unwrap_or(0);
    let pause = PAUSES[nth.min(PAUSES.len() - 1)];
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a quarter of at most three hours in milliseconds is exact in both"
    )]
    let more = (pause as f64 * 250.0 * spread) as i64;
    let pause = SignedDuration::from_millis(pause * 1_000 + more);
    let asked = asked.map(|wish| wish.min(MOST_ASKED));
    let asked = asked.and_then(|wish| SignedDuration::try_from(wish).ok());
    let at = now + pause.max(asked.unwrap_or_default());
    (at.duration_since(made_at) <= LONGEST).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_a_day_is_the_end() {
        let made: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let (mut now, mut tries, mut last) = (made, 0, SignedDuration::ZERO);
        loop {
            tries += 1;
            let Some(at) = next(made, tries, None, 0.5, now) else {
                break;
            };
            let pause = at.duration_since(now);
            assert!(pause >= last && at > now, "{pause:?}");
            (last, now) = (pause, at);
        }
        assert!(tries > 10, "{tries}");
        let over = now.duration_since(made);
        assert!(
            over <= LONGEST && over > SignedDuration::from_hours(20),
            "{over:?}"
        );
    }

    #[test]
    fn a_receiver_may_ask_for_a_pause_of_an_hour() {
        let made: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let after = |seconds| {
            let asked = Some(Duration::from_secs(seconds));
            let at = next(made, 1, asked, 0.0, made).unwrap();
            at.duration_since(made).as_secs()
        };
        assert_eq!((after(1), after(90), after(86_400)), (5, 90, 3_600));
    }
}
