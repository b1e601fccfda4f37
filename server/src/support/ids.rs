//! Ids are time-ordered (UUIDv7), made from the passed-in clock and the passed-in randomness.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use jiff::Timestamp;
use uuid::Uuid;

use super::clock::Clock;

/// Makes ids and random bytes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    random: SystemRandom,
}

impl Ids {
    /// Ids whose time part comes from `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            random: SystemRandom::new(),
        }
    }

    /// A new UUIDv7.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes::<10>()).into_uuid()
    }

    /// `N` bytes fit for secrets.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing safe can be done then.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random
            .fill(&mut bytes)
            .expect("the operating system gives random bytes");
        bytes
    }
}

/// The instant inside a UUIDv7, to the millisecond; `None` for any other kind of UUID.
///
/// Partitioned tables are keyed by it, so that a look-up by id touches one partition.
#[must_use]
pub fn instant_of(id: Uuid) -> Option<Timestamp> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_the_instant_it_was_made() {
        let at = Timestamp::from_millisecond(1_795_000_000_123).unwrap();
        let ids = Ids::new(Clock::manual(at));
        assert_eq!(instant_of(ids.uuid()), Some(at));
        assert_ne!(ids.uuid(), ids.uuid());
        assert_eq!(instant_of(Uuid::nil()), None);
    }
}
