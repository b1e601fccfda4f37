//! One connection as our hub sees it: whose it is, its gate, what it was sent and has not confirmed.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use bytes::Bytes;
use foldhash::fast::RandomState;
use jiff::Timestamp;
use parking_lot::Mutex;
use signalr::{SendError, WriteMark};
use tokio::time::Instant;
use uuid::Uuid;

use super::backlog::Summed;
use super::frames::{Style, Template};
use super::gate::{Gate, Offer};
use super::line::{Line, Transport};
use super::pace::Pace;
use super::unconfirmed::{Handled, Unconfirmed, Written};
use crate::auth::Principal;
use crate::delivery::AckMode;
use crate::outbox::passed::Passed;
use crate::store::replay::{Owed, Question};
use crate::support::ids::instant_of;

/// Room that must come free before those that wait for it are read.
const A_PAGE: usize = 100;

/// An open connection. Shared by the registry, the pager and the hub's calls.
pub(crate) struct Client {
    pub(crate) line: Line,
    pub(crate) tenant: Uuid,
    pub(crate) user: Uuid,
    pub(crate) user_key: Arc<str>,
    pub(crate) user_name: Arc<str>,
    /// `None`: unnamed.
    pub(crate) device: Option<Arc<str>>,
    /// When its transport connected, which is before its client is told so.
    pub(crate) connected_at: Timestamp,
    /// Of the numbers it is sent.
    pub(crate) epoch: i64,
    /// How it wants its items.
    style: Style,
    /// Milliseconds since the epoch; `i64::MAX` for a token without an end. Later requests of the
    /// connection may bring a fresher token.
    expires_at: AtomicI64,
    /// Its app is in front, or never said otherwise. Written by its calls; a stream has none, so nobody
    /// is known to be at it.
    active: AtomicBool,
    /// When it last told others that its user types.
    typed: Mutex<Pace>,
    inner: Mutex<Inner>,
}

struct Inner {
    gate: Gate,
    /// The device has acked before, so transport evidence is not asked for.
    explicit: bool,
    /// Where replay starts: what this device is known to have.
    start: i64,
    /// Nothing beyond it was routed before this.
    since: Timestamp,
    /// What the device had acked beyond it when it connected.
    acked: Box<str>,
    /// Items up to here were given out before this connection was welcomed.
    replayed_through: i64,
    /// What it was told the number of when its replay began; `None` before.
    summed: Option<Box<[Summed]>>,
    unconfirmed: Unconfirmed,
    /// As many items wait for their results as may; the gate is parked for it. Cleared when there is room for a page.
    full: bool,
    /// Results wait to be recorded, and whoever records them knows it.
    told: bool,
    groups: HashSet<Arc<str>, RandomState>,
}

/// What is to be done after a result came, or was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// Its results are to be recorded; it is asked for once until [`Client::results`] takes them.
    pub(crate) recording: bool,
    /// A page must be read now; the gate counts on it.
    pub(crate) page: bool,
}

/// What the database knows of a device when it connects.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) explicit: bool,
    pub(crate) from: i64,
    /// Nothing beyond `from` was routed before this.
    pub(crate) since: Timestamp,
    /// Numbers beyond `from` it has acked, as Postgres prints a multirange.
    pub(crate) acked: String,
    pub(crate) last_seq: i64,
}

impl Default for Start {
    /// A device of which nothing is known.
    fn default() -> Self {
        Self {
            explicit: false,
            from: 0,
            since: Timestamp::default(),
            acked: "{}".to_owned(),
            last_seq: 0,
        }
    }
}

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

/// Who connects, and how.
pub(crate) struct Visitor {
    pub(crate) user: Uuid,
    pub(crate) key: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) device: Option<Arc<str>>,
    pub(crate) at: Timestamp,
    /// Of the numbers that were looked up for it.
    pub(crate) epoch: i64,
    pub(crate) ack_mode: AckMode,
}

impl Client {
    pub(crate) fn new(line: Line, visitor: Visitor, start: Start) -> Self {
        let principal = line.principal();
        let style = Style {
            encoding: line.encoding(),
            as_notification: line.as_notification(),
            results: visitor.ack_mode == AckMode::Result,
        };
        Self {
            tenant: principal.tenant,
            user: visitor.user,
            user_key: visitor.key,
            user_name: visitor.name,
            device: visitor.device,
            connected_at: visitor.at,
            epoch: visitor.epoch,
            style,
            expires_at: AtomicI64::new(end_of(&principal)),
            active: AtomicBool::new(line.transport() != Transport::Stream),
            line,
            typed: Mutex::default(),
            inner: Mutex::new(Inner {
                gate: Gate::default(),
                explicit: start.explicit || visitor.ack_mode != AckMode::Transport,
                start: start.from,
                since: start.since,
                acked: start.acked.into(),
                replayed_through: start.last_seq,
                summed: None,
                unconfirmed: Unconfirmed::default(),
                full: false,
                told: false,
                groups: HashSet::default(),
            }),
        }
    }

    pub(crate) fn expires_at(&self) -> i64 {
        self.expires_at.load(Ordering::Relaxed)
    }

    /// A later request came with this token.
    pub(crate) fn renew(&self, later: &Principal) {
        self.expires_at.fetch_max(end_of(later), Ordering::Relaxed);
    }

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

    /// How many of the numbers given before it came it may be owed.
    pub(crate) fn owed_at_most(&self) -> i64 {
        let inner = self.inner.lock();
        inner.replayed_through - inner.gate.sent_through()
    }

    /// Its replay has begun, and nothing was read yet.
    pub(crate) fn may_be_told_in_sum(&self) -> bool {
        self.inner.lock().summed.is_none()
    }

    /// These it was told the number of: they do not come one by one.
    pub(crate) fn told_in_sum(&self, summed: Vec<Summed>) {
        self.inner.lock().summed = Some(summed.into());
    }

    /// Is there something it was told the number of only?
    pub(crate) fn was_told_a_sum(&self) -> bool {
        let inner = self.inner.lock();
        inner
            .summed
            .as_ref()
            .is_some_and(|summed| !summed.is_empty())
    }

    pub(crate) fn was_told_in_sum(&self, owed: &Owed) -> bool {
        let inner = self.inner.lock();
        let mut summed = inner.summed.iter().flatten();
        summed.any(|one| one.covers(owed))
    }

    /// What it was told of a class.
    pub(crate) fn summed(&self, class: &str) -> Option<Summed> {
        let inner = self.inner.lock();
        let mut summed = inner.summed.iter().flatten();
        summed.find(|one| one.is_of(class)).cloned()
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

    /// Somebody says there may be items up to `head`: the node lost hints, or LISTEN was away.
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

    /// Is its app in front, as far as it said?
    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// Notes whether its app is in front; answers false if that was known. What came meanwhile is asked
    /// for once it is back: a system that freezes an app may still answer pings for it.
    pub(crate) fn set_active(&self, active: bool) -> bool {
        let news = self.active.swap(active, Ordering::Relaxed) != active;
        let inner = self.inner.lock();
        let owes = inner.unconfirmed.is_any(inner.explicit);
        drop(inner);
        if news && active && owes {
            self.line.probe();
        }
        news
    }

    /// May its user be said to be typing now? Not more often than others need to see it.
    pub(crate) fn may_type(&self) -> bool {
        self.typed.lock().may(Instant::now())
    }

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

    /// There are items up to `seq`. Answers whether a page must be read now.
    pub(crate) fn heard(&self, seq: i64) -> bool {
        let mut inner = self.inner.lock();
        inner.gate.heard(seq);
        inner.gate.wants_page()
    }

    /// It was written here and is neither acked nor reached.
    pub(crate) fn holds(&self, seq: i64) -> bool {
        self.inner.lock().unconfirmed.holds(seq)
    }

    /// Items written and not confirmed.
    pub(crate) fn unconfirmed(&self) -> usize {
        self.inner.lock().unconfirmed.len()
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.inner.lock().gate.is_parked()
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.inner.lock().gate.is_open()
    }

    pub(crate) fn group_count(&self) -> usize {
        self.inner.lock().groups.len()
    }

    pub(crate) fn is_in(&self, group: &str) -> bool {
        self.inner.lock().groups.contains(group)
    }

    pub(super) fn note_group(&self, name: &Arc<str>) -> bool {
        self.inner.lock().groups.insert(name.clone())
    }

    pub(super) fn drop_group(&self, name: &Arc<str>) -> bool {
        self.inner.lock().groups.remove(name)
    }

    pub(super) fn take_groups(&self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.inner.lock().groups)
            .into_iter()
            .collect()
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

/// With the leeway that authentication allows too: else a token within it would connect and be closed
/// within a second, over and over.
fn end_of(principal: &Principal) -> i64 {
    let leeway = crate::auth::jwt::LEEWAY * 1_000;
    principal.expires_at.map_or(i64::MAX, |ends| {
        ends.as_millisecond().saturating_add(leeway)
    })
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
