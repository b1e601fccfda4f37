//! What is written to it: live items, pages of what it missed, each through its gate.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use signalr::SendError;
use uuid::Uuid;

use super::{Client, Inner};
use crate::hub::frames::Template;
use crate::hub::gate::Offer;
use crate::hub::unconfirmed::{Handled, Written};
use crate::outbox::passed::Passed;
use crate::store::replay::Question;
use crate::support::ids::instant_of;

/// One row of a page.
pub(crate) struct Row {
    pub(crate) seq: i64,
    pub(crate) id: Uuid,
    pub(crate) template: Arc<Template>,
}

/// What came of offering something to a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// It was written to the connection's queue.
    pub(crate) written: bool,
    /// A page must be read now; the gate counts on it.
    pub(crate) wants_page: bool,
}

impl Client {
    /// A cursor as far as it can be: one beyond the last number given would swallow what is yet to come.
    pub(crate) fn known(&self, cursor: i64) -> i64 {
        cursor.min(self.inner.lock().replayed_through)
    }

    /// Begins replay after what the device is known to have, or after `cursor` if that is higher.
    /// Answers whether a page must be read now.
    pub(crate) fn begin(&self, cursor: Option<i64>) -> bool {
        let mut inner = self.inner.lock();
        // A cursor beyond the last number given would swallow what is yet to come.
        let from = inner
            .start
            .max(cursor.unwrap_or(0).min(inner.replayed_through));
        inner.gate.start(from);
        inner.gate.wants_page()
    }

    /// A live item, right after its commit.
    pub(crate) fn offer(&self, seq: i64, id: Uuid, template: &Template) -> Outcome {
        let mut inner = self.inner.lock();
        let mut written = false;
        if inner.gate.offer(seq) == Offer::Send {
            written = self.write(&mut inner, seq, id, template, false);
        }
        let wants_page = inner.gate.wants_page();
        let probe = written && (!inner.explicit || template.hidden) && self.is_active();
        drop(inner);
        if probe {
            self.line.probe();
        }
        Outcome {
            written,
            wants_page,
        }
    }

    /// What the device is owed, as far as was known when it connected.
    pub(crate) fn question_of_start(&self) -> Question {
        let inner = self.inner.lock();
        Question {
            user: self.user,
            from: inner.start,
            since: inner.since,
            reached_too: inner.explicit,
            acked: inner.acked.to_string(),
        }
    }

    /// What to ask the database for.
    pub(crate) fn question(&self) -> Question {
        let inner = self.inner.lock();
        Question {
            user: self.user,
            from: inner.gate.sent_through(),
            since: inner.since,
            reached_too: inner.explicit,
            acked: inner.acked.to_string(),
        }
    }

    /// What the answer to a question shows to be settled without this device, when it was asked from
    /// where the device stands: all before the `first` row (its number and when it was routed), or up
    /// to the `last` number given when nothing is owed.
    pub(crate) fn passed(
        &self,
        asked: &Question,
        first: Option<(i64, Timestamp)>,
        full: Option<i64>,
        last: i64,
        now: Timestamp,
    ) -> Option<Passed> {
        let (through, at) = match (first, full) {
            (Some((seq, at)), _) => (seq - 1, at),
            // A page of nothing but deliveries whose notification is gone: what follows is not known.
            (None, Some(_)) => return None,
            (None, None) => (last, now),
        };
        let from_start = asked.from == self.inner.lock().start;
        (from_start && through > asked.from).then_some(Passed {
            user: self.user,
            device: self.device.clone()?,
            from: asked.from,
            through,
            at,
            explicit: asked.reached_too,
        })
    }

    /// A page, ascending; `full`: it ends there and more may follow; `last`: the last number given
    /// when it was read. Answers the numbers written, and whether another page must be read now.
    pub(crate) fn page(
        &self,
        rows: &[Row],
        full: Option<i64>,
        last: i64,
    ) -> (Vec<(i64, Uuid)>, bool) {
        let mut inner = self.inner.lock();
        let mut written = Vec::with_capacity(rows.len());
        for row in rows {
            let replayed = row.seq <= inner.replayed_through && is_older(row.id, self.connected_at);
            match inner.gate.offer_row(row.seq) {
                Offer::Send if self.write(&mut inner, row.seq, row.id, &row.template, replayed) => {
                    written.push((row.seq, row.id));
                }
                Offer::Send | Offer::Hold => break,
                Offer::Drop => {}
            }
        }
        inner.gate.page_ended(full.unwrap_or(last), last);
        let wants_page = inner.gate.wants_page();
        let hidden = rows.iter().any(|row| row.template.hidden);
        let probe = !written.is_empty() && (!inner.explicit || hidden) && self.is_active();
        drop(inner);
        if probe {
            self.line.probe();
        }
        (written, wants_page)
    }

    pub(crate) fn page_failed(&self) {
        self.inner.lock().gate.page_failed();
    }

    /// Asks again for a page that failed, or that a drained queue now has room for.
    pub(crate) fn drained(&self) -> bool {
        let mut inner = self.inner.lock();
        if inner.full {
            return false; // results make room, not the queue
        }
        inner.gate.drained();
        inner.gate.wants_page()
    }

    /// Whether a page must be read now; the gate counts on it.
    pub(crate) fn wants_page(&self) -> bool {
        self.inner.lock().gate.wants_page()
    }

    fn write(
        &self,
        inner: &mut Inner,
        seq: i64,
        id: Uuid,
        template: &Template,
        replayed: bool,
    ) -> bool {
        let asks = template.wants_result(self.style);
        if asks && !inner.unconfirmed.has_room_for(1) {
            inner.full = true;
            inner.gate.refused();
            return false;
        }
        let frame: Bytes = template.frame(self.style, seq, replayed);
        match self.line.try_send(frame) {
            Ok(mark) => {
                inner.gate.sent(seq);
                inner.unconfirmed.push(Written {
                    mark,
                    seq,
                    id,
                    hidden: template.hidden,
                    result: if asks {
                        Handled::Awaited
                    } else {
                        Handled::Unasked
                    },
                });
                true
            }
            // Full: it goes on when the queue drains. Closed: its successor reads what it missed.
            Err(SendError::Full | SendError::Closed | SendError::Encoding) => {
                inner.gate.refused();
                false
            }
        }
    }

    /// There are items up to `seq`. Answers whether a page must be read now.
    pub(crate) fn heard(&self, seq: i64) -> bool {
        let mut inner = self.inner.lock();
        inner.gate.heard(seq);
        inner.gate.wants_page()
    }
}

/// Whether the item was accepted before then: what comes after the client was told that it is connected
/// is live to it, even if the server had not looked up yet where its stream stands.
fn is_older(id: Uuid, began: Timestamp) -> bool {
    let at = instant_of(id).unwrap_or(Timestamp::UNIX_EPOCH);
    at.as_millisecond() < began.as_millisecond()
}

#[cfg(test)]
mod tests {
    use crate::support::{clock::Clock, ids::Ids};

    use super::*;

    /// Published the moment the client's `start()` returned, it came as a replay, which no app announces.
    #[test]
    fn what_is_accepted_after_the_connection_began_is_no_replay() {
        let clock = Clock::system();
        let id = Ids::new(clock.clone()).uuid();
        let at = instant_of(id).unwrap();
        assert!(!is_older(id, at));
        assert!(is_older(id, at + jiff::SignedDuration::from_millis(1)));
    }
}
