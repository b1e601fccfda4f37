//! What was shown already, in bounded memory.
//!
//! The id decides, not the number. Numbers ascend on a connection, but over long polling a proxy can
//! swallow one answer: then 6 is shown, and 5 comes later and is news. Numbers only stand in for the
//! ids that left the window: whatever is at or under the highest forgotten number counts as shown.

use std::collections::{HashSet, VecDeque};

/// How many ids are remembered.
pub const REMEMBERED: usize = 1_000;

/// The ids shown last, and the number up to which everything counts as shown.
#[derive(Debug, Default)]
pub struct Shown {
    /// Oldest first; `order` and `ids` hold the same ids.
    order: VecDeque<(String, Option<i64>)>,
    ids: HashSet<String>,
    floor: i64,
}

impl Shown {
    /// Is it new? It counts as shown from now on.
    pub fn first_time(&mut self, id: &str, seq: Option<i64>) -> bool {
        if seq.is_some_and(|seq| seq <= self.floor) || !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back((id.to_owned(), seq));
        if self.order.len() > REMEMBERED
            && let Some((oldest, seq)) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
            self.floor = self.floor.max(seq.unwrap_or(0));
        }
        true
    }

    /// An earlier page of this browser had shown everything up to `seq`.
    pub fn resume(&mut self, seq: i64) {
        self.floor = self.floor.max(seq);
    }

    /// The server's history changed: numbers start over, ids stay unique.
    pub fn new_epoch(&mut self) {
        self.floor = 0;
        for (_, seq) in &mut self.order {
            *seq = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_is_not_new_but_a_late_lower_number_is() {
        let mut shown = Shown::default();
        assert!(shown.first_time("a", Some(4)));
        assert!(shown.first_time("c", Some(6)));
        assert!(!shown.first_time("a", Some(4)));
        assert!(
            shown.first_time("b", Some(5)),
            "its poll was swallowed by a proxy"
        );
        assert!(shown.first_time("x", None));
        assert!(!shown.first_time("x", None));
    }

    #[test]
    fn memory_is_bounded_and_forgotten_ids_are_still_known_by_their_number() {
        let mut shown = Shown::default();
        for seq in 1..=3_000 {
            assert!(shown.first_time(&format!("id{seq}"), Some(seq)));
        }
        assert_eq!(
            (shown.ids.len(), shown.order.len()),
            (REMEMBERED, REMEMBERED)
        );
        assert!(!shown.first_time("id1", Some(1)));
        assert!(!shown.first_time("id2999", Some(2_999)));
        assert!(shown.first_time("id3001", Some(3_001)));
    }

    #[test]
    fn a_new_epoch_forgets_numbers_and_keeps_ids() {
        let mut shown = Shown::default();
        shown.resume(100);
        assert!(!shown.first_time("old", Some(100)));
        assert!(shown.first_time("a", Some(101)));
        shown.new_epoch();
        assert!(shown.first_time("b", Some(3)), "a number given out again");
        assert!(!shown.first_time("a", Some(101)));
        for n in 0..REMEMBERED {
            shown.first_time(&format!("n{n}"), None);
        }
        assert!(
            shown.first_time("c", Some(4)),
            "numbers of the old epoch must not come back"
        );
    }
}
