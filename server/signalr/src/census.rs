//! How many connections a user or an address has, to bound them.
//!
//! Only kept while a bound is set; an entry goes with its last connection.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use foldhash::fast::RandomState;
use parking_lot::Mutex;

#[derive(Debug, Default)]
pub(crate) struct Census {
    counts: Mutex<HashMap<Arc<str>, usize, RandomState>>,
}

/// One counted connection; counts itself out when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    census: Arc<Census>,
    key: Arc<str>,
}

impl Census {
    /// `None` when all seats are taken.
    pub(crate) fn sit(self: &Arc<Self>, key: &str, limit: usize) -> Option<Seat> {
        let key: Arc<str> = key.into();
        let mut counts = self.counts.lock();
        let count = counts.entry(Arc::clone(&key)).or_default();
        if *count >= limit {
            if *count == 0 {
                counts.remove(&key);
            }
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Seat {
            census: Arc::clone(self),
            key,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.census.counts.lock();
        if let Entry::Occupied(mut entry) = counts.entry(Arc::clone(&self.key)) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_given_up_to_the_limit_and_back_when_dropped() {
        let census = Arc::new(Census::default());
        let first = census.sit("ann", 2).unwrap();
        let second = census.sit("ann", 2).unwrap();
        assert!(census.sit("ann", 2).is_none());
        assert!(census.sit("bob", 1).is_some());
        drop(first);
        assert!(census.sit("ann", 2).is_some());
        drop(second);
        assert!(census.sit("ann", 0).is_none());
        assert!(census.counts.lock().is_empty());
    }
}
