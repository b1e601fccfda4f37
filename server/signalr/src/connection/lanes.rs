//! The two lanes behind the lock of [`super::Outbound`], and how a batch is taken out of them.

use std::{collections::VecDeque, sync::Arc, task::Waker};

use bytes::Bytes;

use super::{SendError, WriteMark, resend::Resend};

/// Handed to the transport at once, at most, unless a single message is larger.
pub(crate) const BATCH_BYTES: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(super) struct Lanes {
    pub(super) lossless: VecDeque<Bytes>,
    pub(super) latest: Vec<(Arc<str>, Bytes)>,
    /// Of both lanes.
    pub(super) bytes: usize,
    /// Lossless messages ever put in.
    pub(super) put: u64,
    /// Lossless messages ever handed to the transport.
    pub(super) taken: u64,
    /// A message was refused and the hub not told of room yet.
    pub(super) refused: bool,
    /// Evidence wanted after this many messages: the earliest wish, and the latest if it is later.
    pub(super) probe: Option<u64>,
    pub(super) probe_later: Option<u64>,
    /// Nothing may be put in any more; what is in is still handed out.
    pub(super) closed: bool,
    /// The transport; set while it waits.
    pub(super) consumer: Option<Waker>,
    /// While the transport's own task does something else: whether it would have been woken.
    pub(super) aside: Option<bool>,
    /// How many have taken each other's place. Long polls.
    pub(super) consumers: u64,
    /// The session; set while it waits for room.
    pub(super) room: Option<Waker>,
    /// Whoever watches a transport that is not asked for more; set while nothing waits.
    pub(super) backlog: Option<Waker>,
    /// Batches ever handed out.
    pub(super) batches: u64,
    /// The session cannot read on until there is room here: the client's Ack may be behind that.
    pub(super) jammed: bool,
    /// Set once stateful reconnect is agreed on.
    pub(super) resend: Option<Box<Resend>>,
}

/// What the transport writes next. May be empty of messages and still carry a probe.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) messages: VecDeque<Bytes>,
    /// Everything handed out so far, this batch included.
    pub(crate) mark: WriteMark,
    /// Ask for evidence after these.
    pub(crate) probe: bool,
    /// Tell the hub that there is room again.
    pub(crate) writable: bool,
    /// What was not confirmed is forgotten: the connection cannot be resumed any more.
    pub(crate) gave_up: bool,
}

impl Lanes {
    pub(super) fn fits(&mut self, length: usize, bound: usize) -> Result<(), SendError> {
        if self.closed {
            return Err(SendError::Closed);
        }
        // An empty queue takes anything, or a message larger than the bound could never be sent.
        if self.bytes > 0 && self.bytes + length > bound {
            self.refused = true;
            return Err(SendError::Full);
        }
        Ok(())
    }

    pub(super) fn put(&mut self, message: Bytes) -> WriteMark {
        self.bytes += message.len();
        self.put += 1;
        self.lossless.push_back(message);
        self.wake_consumer();
        wake(&mut self.backlog);
        WriteMark(self.put)
    }

    pub(super) fn take(&mut self, bound: usize) -> Option<Batch> {
        let mut batch = Batch::default();
        let mut size = 0;
        let caught_up = self
            .resend
            .as_mut()
            .is_none_or(|resend| resend.take(&mut batch.messages, BATCH_BYTES));
        if caught_up && self.jammed && !self.may_write() {
            // Both sides would wait for each other.
            batch.gave_up = self.resend.as_mut().is_some_and(|resend| resend.give_up());
        }
        if self.resend.is_none() && self.latest.is_empty() && self.bytes <= BATCH_BYTES {
            // The slots become the batch's: mostly it is one message, to one of thousands.
            batch.messages = std::mem::take(&mut self.lossless);
            self.taken += u64::try_from(batch.messages.len()).unwrap_or_default();
            size = self.bytes;
        }
        while caught_up && let Some(next) = self.lossless.front() {
            if size > 0 && size + next.len() > BATCH_BYTES || !self.may_write() {
                break;
            }
            size += next.len();
            self.taken += 1;
            if let (Some(resend), put) = (&mut self.resend, self.taken) {
                resend.keep(next, Some(put), put);
            }
            batch.messages.extend(self.lossless.pop_front());
        }
        if self.lossless.is_empty() && self.lossless.capacity() > 0 {
            self.lossless = VecDeque::new();
        }
        // After each batch, not only when the first lane is empty: it may never be.
        if caught_up && self.may_write() {
            for (_, message) in std::mem::take(&mut self.latest) {
                size += message.len();
                if let Some(resend) = &mut self.resend {
                    resend.keep(&message, None, self.taken);
                }
                batch.messages.push_back(message);
            }
        }
        self.bytes -= size;
        batch.mark = WriteMark(self.taken);
        // Not amid a replay: a pong would prove what has not been written yet.
        if caught_up && self.probe.is_some_and(|wanted| wanted <= self.taken) {
            batch.probe = true;
            self.probe = self.probe_later.take().filter(|later| *later > self.taken);
        }
        if self.bytes <= bound && !self.closed {
            self.wake_room();
        }
        if self.refused && self.bytes <= bound / 2 {
            self.refused = false;
            batch.writable = true;
        }
        // With nothing to write there may still be somebody to tell that there is room.
        let told = batch.probe || batch.writable || batch.gave_up;
        let some = told || !batch.messages.is_empty();
        self.batches += u64::from(some);
        some.then_some(batch)
    }

    /// A client that does not ack gets nothing more, except the end.
    pub(super) fn may_write(&self) -> bool {
        self.closed || self.resend.as_ref().is_none_or(|resend| resend.has_room())
    }

    pub(super) fn wake_consumer(&mut self) {
        match &mut self.aside {
            Some(news) => *news = true,
            None => wake(&mut self.consumer),
        }
    }

    pub(super) fn wake_room(&mut self) {
        wake(&mut self.room);
    }
}

pub(super) fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
