//! What its client says of what it was sent: acknowledgements, results of handlers, evidence that the transport was read.

use signalr::WriteMark;
use uuid::Uuid;

use super::{Client, Inner};
use crate::delivery::AckMode;

/// Room that must come free before those that wait for it are read.
const A_PAGE: usize = 100;

/// What is to be done after a result came, or was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// Its results are to be recorded; it is asked for once until [`Client::results`] takes them.
    pub(crate) recording: bool,
    /// A page must be read now; the gate counts on it.
    pub(crate) page: bool,
}

impl Client {
    /// The device acks for itself: from now on transport evidence is not asked for.
    pub(crate) fn becomes_explicit(&self) {
        self.inner.lock().explicit = true;
    }

    pub(crate) fn is_explicit(&self) -> bool {
        self.inner.lock().explicit
    }

    /// Numbers of these notifications as far as this connection remembers; the rest by id.
    pub(crate) fn numbers(&self, ids: &[Uuid]) -> (Vec<i64>, Vec<Uuid>) {
        self.inner.lock().unconfirmed.numbers(ids)
    }

    /// How its device acknowledges, as far as this connection knows.
    pub(crate) fn ack_mode(&self) -> AckMode {
        match self.is_explicit() {
            _ if self.style.results => AckMode::Result,
            true => AckMode::Explicit,
            false => AckMode::Transport,
        }
    }

    /// The client says what came of an item's handler; `acks`: it acknowledges. Only the first word on an item
    /// that waits for one counts.
    pub(crate) fn handled(&self, seq: i64, acks: bool) -> Due {
        let mut inner = self.inner.lock();
        if !inner.unconfirmed.handled(seq, acks) {
            return Due::default();
        }
        if acks {
            return Due {
                recording: !std::mem::replace(&mut inner.told, true),
                page: false,
            };
        }
        Due {
            recording: false,
            page: inner.has_room_again(),
        }
    }

    /// What was taken was not recorded. Answers whether it is to be asked for again; it may have been already.
    pub(crate) fn wants_recording(&self) -> bool {
        !std::mem::replace(&mut self.inner.lock().told, true)
    }

    /// Items whose results acknowledge them and are not recorded.
    pub(crate) fn results(&self) -> Vec<i64> {
        let mut inner = self.inner.lock();
        inner.told = false;
        inner.unconfirmed.results()
    }

    /// These were acked: nothing more is owed to this connection for them. Answers whether a page must be read now.
    pub(crate) fn confirmed(&self, seqs: &[i64]) -> bool {
        let mut inner = self.inner.lock();
        inner.unconfirmed.confirm(seqs);
        inner.has_room_again()
    }

    /// Everything up to `seq` was acked. Answers whether a page must be read now.
    pub(crate) fn confirmed_through(&self, seq: i64) -> bool {
        let mut inner = self.inner.lock();
        inner.unconfirmed.confirm_through(seq);
        inner.has_room_again()
    }

    /// Transport evidence: what was written up to `mark` was read. Answers the numbers that count as
    /// reached now: none while its app is not in front, and of a device that acks for itself only what nobody
    /// acks.
    pub(crate) fn reached(&self, mark: WriteMark) -> Vec<i64> {
        if !self.is_active() {
            return Vec::new();
        }
        let mut inner = self.inner.lock();
        let explicit = inner.explicit;
        inner.unconfirmed.read(mark, explicit)
    }

    /// It was written here and is neither acked nor reached.
    pub(crate) fn holds(&self, seq: i64) -> bool {
        self.inner.lock().unconfirmed.holds(seq)
    }

    /// Items written and not confirmed.
    pub(crate) fn unconfirmed(&self) -> usize {
        self.inner.lock().unconfirmed.len()
    }
}

impl Inner {
    /// Whether results have made room for those that waited, and a page must be read for them now.
    fn has_room_again(&mut self) -> bool {
        if !self.full || !self.unconfirmed.has_room_for(A_PAGE) {
            return false;
        }
        self.full = false;
        // If the queue is full, too, it refuses again, and tells when it has drained.
        self.gate.drained();
        self.gate.wants_page()
    }
}
