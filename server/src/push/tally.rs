//! What was sent, counted for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

use super::outcome::Outcome;

/// Names of outcomes, in the order they are counted in.
const NAMES: [&str; 5] = [
    "taken",
    "retry_after",
    "token_gone",
    "refused",
    "misconfigured",
];

/// One service's counters. Written by every send to it.
#[derive(Debug, Default)]
pub(super) struct Counters {
    outcomes: [AtomicU64; NAMES.len()],
    held_back: AtomicU64,
}

impl Counters {
    pub(super) fn sent(&self, outcome: &Outcome) {
        let name = outcome.name();
        for (known, counter) in NAMES.iter().zip(&self.outcomes) {
            if *known == name {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn held_back(&self) {
        self.held_back.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, service: &'static str, open: bool, under_way: usize) -> Tally {
        let mut outcomes = [("", 0); NAMES.len()];
        for ((slot, name), counter) in outcomes.iter_mut().zip(NAMES).zip(&self.outcomes) {
            *slot = (name, counter.load(Ordering::Relaxed));
        }
        Tally {
            service,
            outcomes,
            held_back: self.held_back.load(Ordering::Relaxed),
            open,
            under_way,
        }
    }
}

/// The numbers of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// "fcm", or "google", "mozilla", "apple", "windows", "other" of Web Push.
    pub service: &'static str,
    /// Tries that went out, by outcome.
    pub outcomes: [(&'static str, u64); NAMES.len()],
    /// Tries that did not go out: breaker, rate or too many at once.
    pub held_back: u64,
    /// Whether the breaker is open.
    pub open: bool,
    /// Tries under way now.
    pub under_way: usize,
}
