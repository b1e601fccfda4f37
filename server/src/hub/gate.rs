//! How order is kept to one socket (`docs/guarantees.md`, order and replay). Pure: no clock, no
//! socket, no database.
//!
//! One number a connection, `sent_through`. A lossless item goes out only if its number is the
//! next; a smaller one is dropped; a larger one only raises `head` and asks for a page. A page covers
//! up to its last row if it is full, else up to the last number given when it was read. Start, live
//! items, pages, a full queue and its end all pass here, under the connection's lock.

/// What to do with an offered item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Write it now, then tell [`Gate::sent`] or [`Gate::refused`].
    Send,
    /// It went out before.
    Drop,
    /// Something before it is missing: nothing to do now; read a page if [`Gate::wants_page`].
    Hold,
}

/// The state of one connection's lossless lane.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four questions a gate asks independently; the proptest walks their combinations"
)]
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// Replay has begun; before that everything is held.
    open: bool,
    /// Everything up to here was written to this connection, or is not for it.
    sent_through: i64,
    /// The highest number heard of.
    head: i64,
    /// The highest number heard of since the page was asked for.
    later: i64,
    /// Nothing was read since the start: whether there is anything is known only from a page.
    unread: bool,
    /// A page was asked for and has not come.
    reading: bool,
    /// The connection's queue refused an item; until it drains nothing is written.
    parked: bool,
}

impl Gate {
    /// Begins after `from`. Only the first call counts: once items flow, a cursor that comes late
    /// could only repeat or skip. Answers whether this call began it.
    pub(crate) fn start(&mut self, from: i64) -> bool {
        if self.open {
            return false;
        }
        self.open = true;
        self.sent_through = from;
        self.unread = true;
        true
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    pub(crate) fn sent_through(&self) -> i64 {
        self.sent_through
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.parked
    }

    /// A live item or a row of a page.
    pub(crate) fn offer(&mut self, seq: i64) -> Offer {
        self.heard(seq);
        if !self.open || self.parked {
            return Offer::Hold;
        }
        match seq - self.sent_through {
            ..=0 => Offer::Drop,
            1 => Offer::Send,
            _ => Offer::Hold,
        }
    }

    /// There are items up to `seq`, says somebody who does not have them at hand.
    pub(crate) fn heard(&mut self, seq: i64) {
        self.head = self.head.max(seq);
        self.later = self.later.max(seq);
    }

    /// A row of a page: what lies between it and the one before is not for this connection.
    pub(crate) fn offer_row(&mut self, seq: i64) -> Offer {
        if self.open && !self.parked && seq > self.sent_through {
            self.sent_through = seq - 1;
        }
        self.offer(seq)
    }

    /// The item was written.
    pub(crate) fn sent(&mut self, seq: i64) {
        self.sent_through = self.sent_through.max(seq);
    }

    /// The queue had no room: everything waits in the database until it drains.
    pub(crate) fn refused(&mut self) {
        self.parked = true;
    }

    /// The queue drained.
    pub(crate) fn drained(&mut self) {
        self.parked = false;
    }

    /// Asks, once, for the page after [`Self::sent_through`]. The caller must read it when true.
    pub(crate) fn wants_page(&mut self) -> bool {
        let behind = self.unread || self.head > self.sent_through;
        let wants = self.open && !self.parked && !self.reading && behind;
        if wants {
            self.reading = true;
            self.later = 0;
        }
        wants
    }

    /// The page's rows were offered; it covers everything up to `through`, and `last` was the last
    /// number given when it was read.
    pub(crate) fn page_ended(&mut self, through: i64, last: i64) {
        self.reading = false;
        // What was heard of before the page was asked for was committed before it was read. A number beyond the last
        // one given is of no database that is here, but of one before a restore: pages would be read for it without end.
        self.head = self.later.max(last);
        if !self.parked {
            self.sent_through = self.sent_through.max(through);
            self.unread = false;
        }
    }

    /// The page could not be read: it is still wanted.
    pub(crate) fn page_failed(&mut self) {
        self.reading = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn opened(from: i64) -> Gate {
        let mut gate = Gate::default();
        assert!(gate.start(from));
        assert!(gate.wants_page());
        gate.page_ended(from, from);
        gate
    }

    /// A restored database gives numbers anew, and a dispatch of the one before it reached a connection of the new epoch:
    /// page after page was read for a number that nobody has.
    #[test]
    fn a_number_of_another_database_is_asked_for_once() {
        let mut gate = opened(3);
        assert_eq!(gate.offer(90), Offer::Hold);
        assert!(gate.wants_page());
        gate.page_ended(3, 3);
        assert!(!gate.wants_page(), "no page has it");
        assert_eq!(gate.offer(4), Offer::Send);
        gate.sent(4);
        // What is heard of while a page is read may have been committed after it, also behind such a number.
        assert_eq!(gate.offer(90), Offer::Hold);
        assert!(gate.wants_page());
        assert_eq!(gate.offer(6), Offer::Hold);
        gate.page_ended(4, 4);
        assert!(gate.wants_page(), "6 is still to come");
        gate.page_ended(6, 6);
        assert_eq!(gate.offer(7), Offer::Send);
        gate.sent(7);
        assert_eq!(gate.offer(9), Offer::Hold);
        assert!(gate.wants_page());
        assert_eq!(gate.offer(10), Offer::Hold);
        gate.page_ended(9, 9);
        assert!(gate.wants_page());
    }

    #[test]
    fn two_committers_dispatched_reversed_is_shown_in_order() {
        let mut gate = opened(0);
        assert_eq!(gate.offer(2), Offer::Hold);
        assert!(gate.wants_page());
        // The page finds both, because both are committed.
        assert_eq!(gate.offer_row(1), Offer::Send);
        gate.sent(1);
        assert_eq!(gate.offer_row(2), Offer::Send);
        gate.sent(2);
        gate.page_ended(2, 2);
        assert_eq!(gate.offer(1), Offer::Drop);
        assert!(!gate.wants_page());
    }

    #[test]
    fn commit_between_last_page_and_unpark() {
        let mut gate = opened(0);
        assert_eq!(gate.offer(1), Offer::Send);
        gate.refused();
        assert_eq!(gate.offer(2), Offer::Hold);
        assert!(!gate.wants_page(), "nothing is read for a full queue");
        gate.drained();
        assert!(
            gate.wants_page(),
            "what came while it was full is found again"
        );
    }

    #[test]
    fn resume_after_replay_is_noop() {
        let mut gate = opened(5);
        assert!(!gate.start(900));
        assert_eq!(gate.sent_through(), 5);
    }

    #[test]
    fn an_empty_backlog_needs_one_page_only() {
        let mut gate = Gate::default();
        gate.start(7);
        assert!(gate.wants_page());
        gate.page_ended(7, 7);
        assert!(!gate.wants_page());
        assert_eq!(gate.offer(8), Offer::Send);
    }

    #[test]
    fn items_before_the_start_are_found_by_the_first_page() {
        let mut gate = Gate::default();
        assert_eq!(gate.offer(3), Offer::Hold);
        assert!(!gate.wants_page());
        gate.start(0);
        assert!(gate.wants_page());
    }

    /// What may happen to a gate, in any order.
    #[derive(Clone, Debug)]
    enum Event {
        Commit,
        DispatchOldest,
        DispatchNewest,
        Fill,
        Drain,
        ReadPage,
    }

    fn write(gate: &mut Gate, seq: i64, full: bool, shown: &mut Vec<i64>) -> bool {
        if full {
            gate.refused();
            return false;
        }
        gate.sent(seq);
        shown.push(seq);
        true
    }

    proptest! {
        /// Whatever the interleaving: ascending, no doubles, and nothing missing once all is quiet.
        #[test]
        fn every_history_delivers_each_once_in_order(events in prop::collection::vec(
            prop_oneof![
                3 => Just(Event::Commit), 2 => Just(Event::DispatchOldest),
                2 => Just(Event::DispatchNewest), 1 => Just(Event::Fill), 1 => Just(Event::Drain),
                2 => Just(Event::ReadPage),
            ], 0..200))
        {
            let mut gate = Gate::default();
            gate.start(0);
            let (mut committed, mut full) = (0_i64, false);
            let mut undispatched = std::collections::VecDeque::<i64>::default();
            let mut shown: Vec<i64> = Vec::new();
            let mut reading = gate.wants_page();
            let page = |gate: &mut Gate, committed: i64, full: bool, shown: &mut Vec<i64>| {
                let from = gate.sent_through();
                let end = committed.min(from + 3); // pages of three
                for seq in from + 1..=end {
                    match gate.offer_row(seq) {
                        Offer::Send => if !write(gate, seq, full, shown) { break },
                        Offer::Drop => {}
                        Offer::Hold => break,
                    }
                }
                gate.page_ended(end, committed);
            };
            for event in events {
                match event {
                    Event::Commit => { committed += 1; undispatched.push_back(committed); }
                    Event::DispatchOldest | Event::DispatchNewest => {
                        let seq = if matches!(event, Event::DispatchOldest) {
                            undispatched.pop_front() } else { undispatched.pop_back() };
                        if let Some(seq) = seq && gate.offer(seq) == Offer::Send {
                            write(&mut gate, seq, full, &mut shown);
                        }
                    }
                    Event::Fill => full = true,
                    Event::Drain => { full = false; gate.drained(); }
                    Event::ReadPage => if reading {
                        page(&mut gate, committed, full, &mut shown);
                        reading = false;
                    },
                }
                reading |= gate.wants_page();
            }
            full = false;
            gate.drained();
            for seq in undispatched { if gate.offer(seq) == Offer::Send { write(&mut gate, seq, full, &mut shown); } }
            reading |= gate.wants_page();
            while reading {
                page(&mut gate, committed, full, &mut shown);
                reading = gate.wants_page();
            }
            prop_assert_eq!(shown, (1..=committed).collect::<Vec<_>>());
        }
    }
}
