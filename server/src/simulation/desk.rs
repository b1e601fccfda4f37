//! What a crash loses: open connections with their gates, what was committed and not yet dispatched, claims under
//! way.

use app::model::delivery::{Due, End, Plan};

use super::street::Socket;
use crate::hub::gate::{Gate, Offer};

/// An open connection, as the server sees it.
pub(super) struct Connection {
    pub(super) gate: Gate,
    pub(super) socket: Socket,
    /// A page was asked for and is on its way.
    pub(super) reading: bool,
    /// Its device acks for itself.
    pub(super) explicit: bool,
    /// Written and neither acked nor proved to have been read, with its place on the wire.
    pub(super) unconfirmed: Vec<i64>,
    /// Its queue is full.
    pub(super) full: bool,
}

impl Connection {
    pub(super) fn offer(&mut self, seq: i64) {
        if self.gate.offer(seq) == Offer::Send {
            self.write(seq);
        }
        self.reading |= self.gate.wants_page();
    }

    /// Somebody says there are items up to `seq`.
    pub(super) fn heard(&mut self, seq: i64) {
        self.gate.heard(seq);
        self.reading |= self.gate.wants_page();
    }

    pub(super) fn page(&mut self, rows: &[i64], full: Option<i64>, last: i64) {
        self.reading = false;
        for seq in rows {
            match self.gate.offer_row(*seq) {
                Offer::Send if self.write(*seq) => {}
                Offer::Send | Offer::Hold => break,
                Offer::Drop => {}
            }
        }
        self.gate.page_ended(full.unwrap_or(last), last);
        self.reading |= self.gate.wants_page();
    }

    pub(super) fn drained(&mut self) {
        self.full = false;
        self.gate.drained();
        self.reading |= self.gate.wants_page();
    }

    fn write(&mut self, seq: i64) -> bool {
        if self.full {
            self.gate.refused();
            return false;
        }
        self.gate.sent(seq);
        self.unconfirmed.push(seq);
        self.socket.wire.push_back(seq);
        true
    }
}

/// The next thing of a claim.
#[derive(Clone, Copy, Debug)]
pub(super) enum Todo {
    /// A rung.
    Climb(Due),
    /// What was noted as about to be sent goes out.
    Send,
}

/// A claimed debt on its way: its rungs are climbed one by one, and then what is left is written.
pub(super) struct Claim {
    pub(super) seq: i64,
    pub(super) fence: u64,
    pub(super) todo: Vec<Todo>,
    /// A push of it was sent: the result says so.
    pub(super) sent: bool,
    /// A withdrawal must wait for a send: nothing is paid.
    pub(super) waits: bool,
    pub(super) plan: Plan,
    pub(super) ended: Option<End>,
}

#[derive(Default)]
pub(super) struct Desk {
    pub(super) connections: Vec<Connection>,
    pub(super) undispatched: Vec<i64>,
    pub(super) claims: Vec<Claim>,
}
