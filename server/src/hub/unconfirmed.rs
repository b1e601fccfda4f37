//! What a connection was sent and nobody has confirmed: by an ack, by evidence of the transport, or by what the item's
//! handler returned. Pure: no clock, no socket, no database.
//!
//! An id under which a result was asked for names an item only as long as it is remembered here, so a client can
//! acknowledge nothing by it that was not sent on this very connection.
//!
//! Bound: [`MOST`] items. The oldest is forgotten; an ack of it costs a look-up by its id. One whose result is asked for
//! is not forgotten, since a result names nothing but its number: those wait for [`Unconfirmed::has_room_for`].

use std::collections::{HashMap, HashSet, VecDeque};

use foldhash::fast::RandomState;
use signalr::WriteMark;
use uuid::Uuid;

const MOST: usize = 1_000;

/// An item that was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) mark: WriteMark,
    pub(super) seq: i64,
    pub(super) id: Uuid,
    /// Nobody acks it, so the transport's word is asked for from every device.
    pub(super) hidden: bool,
    pub(super) result: Handled,
}

/// What is known of an item's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handled {
    /// None is asked for.
    Unasked,
    /// It has not come.
    Awaited,
    /// It acknowledges the item, and is to be recorded.
    Yes,
}

/// By number, ascending.
#[derive(Debug, Default)]
pub(super) struct Unconfirmed(VecDeque<Written>);

impl Unconfirmed {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// May so many more wait for their results? Counted only where there are many.
    pub(super) fn has_room_for(&self, more: usize) -> bool {
        self.0.len() + more <= MOST || self.asked() + more <= MOST
    }

    /// Items whose results are awaited or not recorded.
    fn asked(&self) -> usize {
        let asked = |one: &&Written| one.result != Handled::Unasked;
        self.0.iter().filter(asked).count()
    }

    /// Remembers one more, whose number is the highest so far.
    pub(super) fn push(&mut self, written: Written) {
        if self.0.len() >= MOST {
            let unasked = |one: &Written| one.result == Handled::Unasked;
            match self.0.iter().position(unasked) {
                Some(oldest) => {
                    self.0.remove(oldest);
                }
                // All others wait for their results. It is a withdrawal, which does no harm when it comes again.
                None if unasked(&written) => return,
                None => {
                    self.0.pop_front();
                }
            }
        }
        self.0.push_back(written);
    }

    pub(super) fn holds(&self, seq: i64) -> bool {
        self.at(seq).is_some()
    }

    fn at(&self, seq: i64) -> Option<usize> {
        self.0.binary_search_by_key(&seq, |one| one.seq).ok()
    }

    /// Is there one that the transport's word would confirm?
    pub(super) fn is_any(&self, explicit: bool) -> bool {
        self.0.iter().any(|one| one.hidden || !explicit)
    }

    /// Numbers of these notifications as far as they are remembered; the rest by id.
    pub(super) fn numbers(&self, ids: &[Uuid]) -> (Vec<i64>, Vec<Uuid>) {
        let known: HashMap<Uuid, i64, RandomState> =
            self.0.iter().map(|one| (one.id, one.seq)).collect();
        let mut unknown = Vec::new();
        let mut seqs = Vec::new();
        for id in ids {
            match known.get(id) {
                Some(seq) => seqs.push(*seq),
                None => unknown.push(*id),
            }
        }
        (seqs, unknown)
    }

    /// What came of an item's handler. One that acknowledges is kept until that is recorded; one that does not is
    /// forgotten: the client has it, and it comes again to the device's next connection. False if no result of it is
    /// awaited, for it was never asked for here, or has come before.
    pub(super) fn handled(&mut self, seq: i64, acks: bool) -> bool {
        let Some(at) = self.at(seq) else { return false };
        if self.0[at].result != Handled::Awaited {
            return false;
        }
        if acks {
            self.0[at].result = Handled::Yes;
        } else {
            self.0.remove(at);
        }
        true
    }

    /// Items whose results acknowledge them and are not recorded.
    pub(super) fn results(&self) -> Vec<i64> {
        let acked = self.0.iter().filter(|one| one.result == Handled::Yes);
        acked.map(|one| one.seq).collect()
    }

    /// These were acked.
    pub(super) fn confirm(&mut self, seqs: &[i64]) {
        let seqs: HashSet<i64, RandomState> = seqs.iter().copied().collect();
        self.0.retain(|one| !seqs.contains(&one.seq));
        if self.0.is_empty() {
            self.0 = VecDeque::new(); // an idle connection holds no memory for it
        }
    }

    /// Everything up to `seq` was acked.
    pub(super) fn confirm_through(&mut self, seq: i64) {
        self.0.retain(|one| one.seq > seq);
    }

    /// What was written up to `mark` was read; of a device that acks for itself that confirms only what nobody acks.
    /// Answers what it confirms.
    pub(super) fn read(&mut self, mark: WriteMark, explicit: bool) -> Vec<i64> {
        let mut seqs = Vec::new();
        if explicit {
            self.0.retain(|one| {
                let read = one.hidden && one.mark <= mark;
                if read {
                    seqs.push(one.seq);
                }
                !read
            });
            return seqs;
        }
        while let Some(one) = self.0.front()
            && one.mark <= mark
        {
            seqs.push(one.seq);
            self.0.pop_front();
        }
        seqs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(seq: i64, result: Handled) -> Written {
        Written {
            mark: WriteMark(seq.unsigned_abs()),
            seq,
            id: Uuid::from_u128(u128::from(seq.unsigned_abs())),
            hidden: false,
            result,
        }
    }

    fn of(numbers: std::ops::RangeInclusive<i64>, result: Handled) -> Unconfirmed {
        let mut all = Unconfirmed::default();
        for seq in numbers {
            all.push(written(seq, result));
        }
        all
    }

    #[test]
    fn the_oldest_is_forgotten_unless_its_result_is_awaited() {
        let mut all = of(1..=1_000, Handled::Unasked);
        all.push(written(1_001, Handled::Awaited));
        assert_eq!(
            (all.len(), all.holds(1), all.holds(2)),
            (1_000, false, true)
        );

        let mut all = of(1..=999, Handled::Awaited);
        let mut card = written(1_000, Handled::Unasked);
        card.hidden = true;
        all.push(card);
        assert!(
            all.has_room_for(1),
            "what nobody is asked for takes no place"
        );
        all.push(written(1_001, Handled::Awaited));
        assert_eq!(
            (all.len(), all.holds(1), all.holds(1_000)),
            (1_000, true, false)
        );
        assert!(!all.has_room_for(1));

        let mut all = of(1..=1_000, Handled::Awaited);
        all.push(written(1_001, Handled::Unasked));
        assert_eq!(
            (all.len(), all.holds(1), all.holds(1_001)),
            (1_000, true, false),
            "a withdrawal pushes out nobody who waits"
        );
    }

    #[test]
    fn only_the_first_word_on_an_item_counts() {
        let mut all = of(1..=3, Handled::Awaited);
        all.push(written(4, Handled::Unasked));
        assert!(all.handled(2, true) && !all.handled(2, true) && !all.handled(2, false));
        assert!(all.handled(3, false) && !all.handled(3, true));
        assert!(!all.handled(4, true), "it was not asked for");
        assert!(!all.handled(5, true) && !all.handled(-1, true));
        assert_eq!(all.results(), [2]);
        all.confirm(&[2]);
        assert_eq!((all.results().len(), all.len()), (0, 2));
    }

    #[test]
    fn an_answered_item_keeps_its_place_until_it_is_recorded() {
        let mut all = of(1..=1_000, Handled::Awaited);
        for seq in 1..=100 {
            assert!(all.handled(seq, true));
        }
        assert!(!all.has_room_for(1));
        all.confirm(&all.results());
        assert!(all.has_room_for(100) && !all.has_room_for(101));
        assert_eq!(all.read(WriteMark(2_000), true), Vec::<i64>::new());
    }
}
