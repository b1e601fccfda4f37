//! Time is passed in, so that a test can hold it still and move it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Where the process reads the wall clock. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    /// Microseconds since the epoch, moved by the test that made it.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The clock of the machine.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until [`Self::advance`] moves it.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(
            start.as_microsecond(),
        ))))
    }

    /// Now, cut to microseconds: what a `timestamptz` can hold, so a value read back compares equal.
    ///
    /// # Panics
    /// A manual clock panics when it was moved out of jiff's range (year 9999).
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    pub fn now(&self) -> Timestamp {
        let micros = match &self.0 {
            Source::System => Timestamp::now().as_microsecond(),
            Source::Manual(at) => at.load(Ordering::SeqCst),
        };
        Timestamp::from_microsecond(micros).expect("the clock is within jiff's range")
    }

    /// Moves a manual clock on by so many milliseconds. The system clock cannot be moved: no effect.
    pub fn advance(&self, milliseconds: i64) {
        if let Source::Manual(at) = &self.0 {
            at.fetch_add(milliseconds * 1_000, Ordering::SeqCst);
        }
    }
}
