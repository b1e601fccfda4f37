//! Gathers acknowledgements into few calls, and knows how far the server confirmed them.
//!
//! One batch is under way at a time. An acknowledgement is a fact: sending it twice harms nothing,
//! losing it costs one repeat. So the bound's policy is: the oldest waiting one is dropped, the
//! server repeats its item, and the repeat is acknowledged again.

use std::collections::VecDeque;

/// How long the first of a batch waits for company, in milliseconds.
pub const GATHER: u32 = 50;
/// A batch of this size does not wait.
pub const FULL: usize = 100;
/// At most this many wait.
pub const WAITING: usize = 1_000;

/// One acknowledgement: the notification's id, and its number if it came with one.
type Ack = (String, Option<i64>);

/// What was shown and is not yet confirmed.
#[derive(Debug, Default)]
pub struct Acks {
    waiting: VecDeque<Ack>,
    under_way: Vec<Ack>,
    /// Highest number ever added.
    highest: i64,
    /// One was dropped for want of room: the confirmed number stands still under it.
    lost: Option<i64>,
}

impl Acks {
    /// To be acknowledged. Doubles merge.
    pub fn add(&mut self, id: &str, seq: Option<i64>) {
        self.highest = self.highest.max(seq.unwrap_or(0));
        if self
            .waiting
            .iter()
            .chain(&self.under_way)
            .any(|(known, _)| known == id)
        {
            return;
        }
        if self.waiting.len() == WAITING {
            let oldest = self.waiting.pop_front();
            self.drop_one(oldest);
        }
        self.waiting.push_back((id.to_owned(), seq));
    }

    fn drop_one(&mut self, ack: Option<Ack>) {
        if let Some((_, Some(seq))) = ack {
            self.lost = Some(self.lost.map_or(seq, |lost| lost.min(seq)));
        }
    }

    /// Does a batch wait that nothing holds back?
    pub fn ready(&self) -> bool {
        self.under_way.is_empty() && !self.waiting.is_empty()
    }

    /// Is it worth going at once?
    pub fn full(&self) -> bool {
        self.waiting.len() >= FULL
    }

    /// The next batch, oldest first; empty while one is under way.
    pub fn take(&mut self) -> Vec<String> {
        if self.under_way.is_empty() {
            let size = self.waiting.len().min(FULL);
            self.under_way = self.waiting.drain(..size).collect();
            return self.under_way.iter().map(|(id, _)| id.clone()).collect();
        }
        Vec::new()
    }

    /// The batch under way is committed.
    pub fn confirmed(&mut self) {
        self.under_way.clear();
    }

    /// The batch under way failed, or its connection dropped: it waits again, first in line.
    pub fn failed(&mut self) {
        for ack in self.under_way.drain(..).rev() {
            self.waiting.push_front(ack);
        }
        while self.waiting.len() > WAITING {
            let oldest = self.waiting.pop_front();
            self.drop_one(oldest);
        }
    }

    /// Everything received up to this number is confirmed.
    pub fn confirmed_through(&self) -> i64 {
        let open = self
            .waiting
            .iter()
            .chain(&self.under_way)
            .filter_map(|(_, seq)| *seq);
        open.chain(self.lost)
            .min()
            .map_or(self.highest, |lowest| self.highest.min(lowest - 1))
    }

    /// The server's history changed: numbers start over. What waits is still acknowledged.
    pub fn new_epoch(&mut self) {
        self.highest = 0;
        self.lost = None;
        for (_, seq) in self.waiting.iter_mut().chain(&mut self.under_way) {
            *seq = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_batch_at_a_time_and_the_confirmed_number_waits_for_the_lowest() {
        let mut acks = Acks::default();
        acks.add("a", Some(7));
        acks.add("b", Some(8));
        acks.add("a", Some(7));
        assert_eq!(acks.confirmed_through(), 6);
        assert_eq!(acks.take(), ["a", "b"]);
        acks.add("c", Some(9));
        acks.add("b", Some(8));
        assert!(acks.take().is_empty());
        acks.confirmed();
        assert_eq!(acks.confirmed_through(), 8);
        assert_eq!(acks.take(), ["c"]);
        acks.failed();
        assert_eq!(acks.confirmed_through(), 8);
        assert_eq!(acks.take(), ["c"], "a failed batch is sent again");
        acks.confirmed();
        assert_eq!(acks.confirmed_through(), 9);
        assert!(!acks.ready());
    }

    #[test]
    fn a_storm_is_cut_into_batches_and_bounded() {
        let mut acks = Acks::default();
        for seq in 1..=1_500 {
            acks.add(&format!("id{seq}"), Some(seq));
        }
        assert!(acks.full());
        let first = acks.take();
        assert_eq!((first.len(), first[0].as_str()), (FULL, "id501"));
        let mut sent = 0;
        while sent < WAITING {
            sent += FULL;
            acks.confirmed();
            assert_eq!(acks.take().len(), if sent < WAITING { FULL } else { 0 });
        }
        assert_eq!(
            acks.confirmed_through(),
            0,
            "the dropped ones were never confirmed"
        );
    }

    #[test]
    fn the_number_of_an_old_epoch_confirms_nothing() {
        let mut acks = Acks::default();
        acks.add("a", Some(900));
        acks.new_epoch();
        acks.add("b", Some(2));
        assert_eq!(acks.take(), ["a", "b"]);
        acks.confirmed();
        assert_eq!(acks.confirmed_through(), 2);
    }
}
