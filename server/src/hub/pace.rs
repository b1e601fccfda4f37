//! How often a connection may tell others something.

use tokio::time::{Duration, Instant};

/// Others show "is typing" for some seconds; once a second keeps it up.
const EVERY: Duration = Duration::from_secs(1);

/// When it did so last.
#[derive(Debug, Default)]
pub(super) struct Pace(Option<Instant>);

impl Pace {
    /// May it now? If so, that was the last time.
    pub(super) fn may(&mut self, now: Instant) -> bool {
        let may = self.0.is_none_or(|last| now >= last + EVERY);
        if may {
            self.0 = Some(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_second_and_what_was_refused_does_not_count() {
        let (mut pace, begin) = (Pace::default(), Instant::now());
        let at = |ms| begin + Duration::from_millis(ms);
        let told = [0, 400, 999, 1_000, 1_500, 2_100].map(|ms| pace.may(at(ms)));
        assert_eq!(told, [true, false, false, true, false, true]);
    }
}
