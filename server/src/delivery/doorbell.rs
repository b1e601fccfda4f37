//! Whether the doorbell rings: LISTEN/NOTIFY may be swallowed by a pooler, or come late, and says nothing of it.
//! A canary is sent every second through the same door as everybody's rings; how long ago one was heard is the
//! doorbell's age. While it is late the table is looked at every 50 ms instead of every second, and the admins
//! are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A canary that was not heard within this is late. One takes a fraction of a millisecond.
const PATIENCE: Duration = Duration::from_secs(2);
/// How a canary's payload begins; a ring has none.
const MARK: &str = "canary:";

/// What is known of the doorbell, for whoever asks. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Doorbell {
    /// Milliseconds from sending to hearing the last canary; how long the present one is out when that is more.
    age: Arc<AtomicU64>,
}

impl Doorbell {
    /// How long a ring takes, as far as is known.
    #[must_use]
    pub fn age(&self) -> Duration {
        Duration::from_millis(self.age.load(Ordering::Relaxed))
    }

    /// Rings come late or not at all.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.age() >= PATIENCE
    }

    fn set(&self, age: Duration) {
        let millis = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        self.age.store(millis, Ordering::Relaxed);
    }
}

/// The canaries of one listener.
pub(super) struct Canaries {
    told: Doorbell,
    number: u64,
    /// The one that is out.
    out: Option<(u64, Instant)>,
    late: bool,
}

impl Canaries {
    pub(super) fn new(told: Doorbell) -> Self {
        Self {
            told,
            number: 0,
            out: None,
            late: false,
        }
    }

    /// The payload to send now, unless one is still out.
    pub(super) fn next(&mut self, now: Instant) -> Option<String> {
        if let Some((_, sent)) = self.out {
            let age = now - sent;
            self.told.set(age);
            if age >= PATIENCE {
                self.is_late(true);
                // It may have been lost: the next one says.
                self.number += 1;
                self.out = Some((self.number, sent));
                return Some(format!("{MARK}{}", self.number));
            }
            return None;
        }
        self.number += 1;
        self.out = Some((self.number, now));
        Some(format!("{MARK}{}", self.number))
    }

    /// Whether what was heard is a canary, of this listener or another's.
    pub(super) fn heard(&mut self, payload: &str, now: Instant) -> bool {
        let Some(number) = payload.strip_prefix(MARK) else {
            return false;
        };
        if let Some((out, sent)) = self.out
            && number.parse() == Ok(out)
        {
            // Late ones that were sent again count from the last.
            self.told.set(if self.late {
                Duration::ZERO
            } else {
                now - sent
            });
            self.out = None;
            self.is_late(false);
        }
        true
    }

    /// The listener is a new one: what was out will not come.
    pub(super) fn reset(&mut self) {
        self.out = None;
    }

    pub(super) fn late(&self) -> bool {
        self.late
    }

    fn is_late(&mut self, late: bool) {
        if late && !self.late {
            tracing::warn!(
                "LISTEN is swallowed or late: rows of SQL callers are looked for every 50 ms. Does a pooler stand \
                 between this server and PostgreSQL that shares connections by transaction (PgBouncer's \
                 pool_mode=transaction)? Give the server a direct connection."
            );
        } else if !late && self.late {
            tracing::info!("LISTEN is heard again");
        }
        self.late = late;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_canary_that_is_not_heard_makes_the_doorbell_late_until_one_is() {
        let bell = Doorbell::default();
        let mut canaries = Canaries::new(bell.clone());
        let first = canaries.next(Instant::now()).unwrap();
        assert_eq!(canaries.next(Instant::now()), None, "one at a time");
        tokio::time::advance(Duration::from_millis(3)).await;
        assert!(canaries.heard(&first, Instant::now()));
        assert_eq!(
            (bell.age(), bell.is_late()),
            (Duration::from_millis(3), false)
        );

        canaries.next(Instant::now()).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(canaries.next(Instant::now()), None);
        assert!(!canaries.late());
        tokio::time::advance(Duration::from_secs(1)).await;
        let again = canaries.next(Instant::now()).unwrap();
        assert!(canaries.late() && bell.is_late());
        assert!(!canaries.heard("", Instant::now()), "a ring is no canary");
        assert!(
            canaries.heard("canary:999999", Instant::now()),
            "another node's"
        );
        assert!(canaries.late());
        assert!(canaries.heard(&again, Instant::now()));
        assert!(!canaries.late() && !bell.is_late());
    }
}
