//! Tokens of another project, or our key of another project? Both are answered SENDER_ID_MISMATCH.
//! Believing the first when it is the second would empty the table of devices.

use std::sync::atomic::{AtomicU32, Ordering};

/// So many in a row, and it is the key.
const MANY: u32 = 5;
/// No message of this key was taken yet.
const NEVER: u32 = u32::MAX;

/// Counts mismatches since the last message that was taken.
pub(super) struct Mismatches(AtomicU32);

impl Default for Mismatches {
    fn default() -> Self {
        Self(AtomicU32::new(NEVER))
    }
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspect {
    Token,
    /// Not known yet: this key never proved to be of the right project.
    Unknown,
    Key,
}

impl Mismatches {
    /// A message was taken: the key is of a project that has devices.
    pub(super) fn taken(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// One more mismatch.
    pub(super) fn another(&self) -> Suspect {
        let next = |count: u32| (count != NEVER).then(|| (count + 1).min(MANY));
        match self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
        {
            Err(_) => Suspect::Unknown,
            Ok(before) if before + 1 >= MANY => Suspect::Key,
            Ok(_) => Suspect::Token,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_never_wrote_to_anybody_deletes_nobody() {
        let seen = Mismatches::default();
        assert!((0..9).all(|_| seen.another() == Suspect::Unknown));
        seen.taken();
        assert!((0..4).all(|_| seen.another() == Suspect::Token));
        assert!((0..4).all(|_| seen.another() == Suspect::Key));
        seen.taken();
        assert_eq!(seen.another(), Suspect::Token);
    }
}
