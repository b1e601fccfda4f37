//! Who is next when several services publish at once: each in its turn, as many at a time as its weight.
//! A service that publishes ten thousand at once holds up its own, not another's approval.
//!
//! Pure. Bound: so many in all, and a quarter of that a service, so that no one of them fills the queue.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// What waits, by whose it is.
#[derive(Debug)]
pub struct Fair<K, T> {
    queues: HashMap<K, VecDeque<T>>,
    /// Those with something waiting, the next first.
    turns: VecDeque<K>,
    count: usize,
    most: usize,
}

impl<K: Hash + Eq + Copy, T> Fair<K, T> {
    /// Holds at most `most`.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            queues: HashMap::new(),
            turns: VecDeque::new(),
            count: 0,
            most,
        }
    }

    /// Puts one behind the others of its owner.
    ///
    /// # Errors
    /// Gives it back when too many wait, of all or of this owner.
    pub fn push(&mut self, whose: K, item: T) -> Result<(), T> {
        let queue = self.queues.entry(whose).or_default();
        let share = (self.most / 4).max(1);
        if self.count >= self.most || queue.len() >= share {
            if queue.is_empty() {
                self.queues.remove(&whose);
            }
            return Err(item);
        }
        if queue.is_empty() {
            self.turns.push_back(whose);
        }
        queue.push_back(item);
        self.count += 1;
        Ok(())
    }

    /// Takes up to `most` out, turn by turn; of each owner in the order in which they came.
    pub fn take(&mut self, most: usize, weight: impl Fn(&K) -> usize) -> Vec<T> {
        let mut taken = Vec::with_capacity(most.min(self.count));
        while taken.len() < most
            && let Some(whose) = self.turns.pop_front()
        {
            let Some(queue) = self.queues.get_mut(&whose) else {
                continue;
            };
            let share = weight(&whose).max(1).min(most - taken.len());
            for _ in 0..share {
                match queue.pop_front() {
                    Some(item) => taken.push(item),
                    None => break,
                }
            }
            if queue.is_empty() {
                self.queues.remove(&whose);
            } else {
                self.turns.push_back(whose);
            }
        }
        self.count -= taken.len();
        taken
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_blast_holds_up_nobody_else() {
        let mut fair = Fair::new(4_096);
        for number in 0..1_000 {
            fair.push('a', ('a', number)).unwrap();
        }
        fair.push('b', ('b', 0)).unwrap();
        let first = fair.take(128, |_| 1);
        assert_eq!(first.len(), 128);
        assert!(first.iter().position(|(of, _)| *of == 'b').unwrap() <= 1);
        assert!(fair.push('a', ('a', 0)).is_ok());
    }

    #[test]
    fn no_owner_fills_the_queue_and_weights_count() {
        let mut fair = Fair::new(8);
        assert!(fair.push(1, 0).is_ok() && fair.push(1, 1).is_ok());
        assert_eq!(fair.push(1, 2), Err(2), "its quarter is full");
        for owner in 2..5 {
            fair.push(owner, 0).unwrap();
            fair.push(owner, 1).unwrap();
        }
        assert_eq!(fair.push(9, 0), Err(0), "all is full");
        let heavy = |owner: &i32| if *owner == 1 { 2 } else { 1 };
        assert_eq!(fair.take(3, heavy), [0, 1, 0]);
    }

    proptest! {
        #[test]
        fn each_owners_order_is_kept_and_nothing_is_lost(
            pushes in prop::collection::vec(0_u8..4, 0..200), takes in prop::collection::vec(1_usize..20, 1..40))
        {
            let mut fair = Fair::new(10_000);
            let mut given: HashMap<u8, Vec<usize>> = HashMap::new();
            for (number, owner) in pushes.iter().enumerate() {
                fair.push(*owner, (*owner, number)).unwrap();
            }
            for most in takes.iter().copied().chain([usize::MAX / 2]) {
                for (owner, number) in fair.take(most.min(1_000), |owner| usize::from(*owner)) {
                    given.entry(owner).or_default().push(number);
                }
            }
            prop_assert!(fair.is_empty());
            let mut all: Vec<usize> = given.values().flatten().copied().collect();
            for list in given.values() {
                prop_assert!(list.is_sorted());
            }
            all.sort_unstable();
            prop_assert_eq!(all, (0..pushes.len()).collect::<Vec<_>>());
        }
    }
}
