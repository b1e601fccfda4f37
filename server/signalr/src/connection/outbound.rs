//! What waits to be written to one client.
//!
//! Two lanes: *lossless* keeps everything in order and refuses when over the bound; *latest* keeps
//! the newest message of each key. Filled by the hub and the session, emptied by the one consumer a
//! transport has at a time. A short lock, never across an await. Empty lanes hold no memory.
//! With stateful reconnect, what is handed out is also kept until the client acks it.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{
    SendError, WriteMark,
    lanes::{Batch, Lanes, wake},
    resend::Resend,
};
use crate::protocol::Protocol;

#[derive(Debug)]
pub(crate) struct Outbound {
    lanes: Mutex<Lanes>,
    /// Over this, `try_send` refuses.
    bound: usize,
    /// Told when there is room again; the session has a waker of its own.
    drained: Notify,
}

/// Somebody else is the consumer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Superseded;

impl Outbound {
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            lanes: Mutex::default(),
            bound,
            drained: Notify::new(),
        }
    }

    /// From here on everything that counts is kept until it is acked.
    pub(crate) fn keep_unacked(&self, protocol: Protocol, limit: usize) {
        let mut lanes = self.lanes.lock();
        let from = lanes.put;
        lanes.resend = Some(Box::new(Resend::new(protocol, limit, from)));
    }

    /// The client has everything up to this number. Answers what that proves, if it is news.
    pub(crate) fn ack(&self, number: u64) -> Option<WriteMark> {
        let mut lanes = self.lanes.lock();
        let proved = lanes.resend.as_mut()?.ack(number);
        lanes.wake_consumer();
        proved
    }

    /// The consumer has a new socket. Answers how many messages are handed out again.
    pub(crate) fn rewind(&self) -> u64 {
        let mut lanes = self.lanes.lock();
        let again = lanes.resend.as_mut().map_or(0, |resend| resend.rewind());
        lanes.wake_consumer();
        again
    }

    /// Whether the session cannot read on until something is written.
    pub(crate) fn set_jammed(&self, jammed: bool) {
        let mut lanes = self.lanes.lock();
        lanes.jammed = jammed;
        lanes.wake_consumer();
    }

    /// What was not confirmed has been forgotten.
    pub(crate) fn gave_up(&self) -> bool {
        let lanes = self.lanes.lock();
        lanes.resend.as_ref().is_some_and(|resend| resend.gave_up())
    }

    /// The first message that the client has not confirmed, if more waits for that.
    pub(crate) fn held_back(&self) -> Option<u64> {
        let lanes = self.lanes.lock();
        let waits = lanes.bytes > 0 && !lanes.may_write();
        lanes
            .resend
            .as_ref()
            .filter(|_| waits)
            .map(|resend| resend.first())
    }

    /// A message of the protocol's own, which waits for nothing and may be lost with its socket.
    pub(crate) fn put_control(&self, message: Bytes) {
        let mut lanes = self.lanes.lock();
        if lanes.closed {
            return;
        }
        if let Some(resend) = &mut lanes.resend {
            resend.put_control(message);
            lanes.wake_consumer();
        } else {
            lanes.put(message);
        }
    }

    /// Returns when there may be room for a message that was refused.
    pub(crate) fn drained(&self) -> tokio::sync::futures::Notified<'_> {
        self.drained.notified()
    }

    /// Ready with the number of batches so far once something waits to be taken.
    pub(crate) fn poll_backlog(&self, cx: &Context<'_>) -> Poll<u64> {
        let mut lanes = self.lanes.lock();
        if lanes.bytes > 0 && !lanes.closed {
            return Poll::Ready(lanes.batches);
        }
        lanes.backlog = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Whether something waits since that many batches.
    pub(crate) fn is_stuck_at(&self, batches: u64) -> bool {
        let lanes = self.lanes.lock();
        lanes.bytes > 0 && lanes.batches == batches
    }

    /// Into the lossless lane, unless over the bound.
    pub(crate) fn try_put(&self, message: Bytes) -> Result<WriteMark, SendError> {
        let mut lanes = self.lanes.lock();
        lanes.fits(message.len(), self.bound)?;
        Ok(lanes.put(message))
    }

    /// Into the lossless lane whatever its length: for the few messages that the protocol owes.
    pub(crate) fn put(&self, message: Bytes) {
        let mut lanes = self.lanes.lock();
        if !lanes.closed {
            lanes.put(message);
        }
    }

    /// Into the latest lane, in place of an unsent message of the same key: merged with that one.
    pub(crate) fn put_latest(
        &self,
        key: &Arc<str>,
        message: Bytes,
        merge: impl FnOnce(&Bytes, Bytes) -> Bytes,
    ) -> Result<(), SendError> {
        let mut lanes = self.lanes.lock();
        let old = lanes.latest.iter().position(|(other, _)| other == key);
        match old {
            Some(index) if !lanes.closed => {
                let unsent = &lanes.latest[index].1;
                let (was, merged) = (unsent.len(), merge(unsent, message));
                lanes.bytes = lanes.bytes - was + merged.len();
                lanes.latest[index].1 = merged;
            }
            _ => {
                lanes.fits(message.len(), self.bound)?;
                lanes.bytes += message.len();
                lanes.latest.push((Arc::clone(key), message));
            }
        }
        lanes.wake_consumer();
        wake(&mut lanes.backlog);
        Ok(())
    }

    /// Wants evidence for everything put in so far. Wishes that one ping can serve become one.
    pub(crate) fn probe(&self) {
        let mut lanes = self.lanes.lock();
        let put = Some(lanes.put);
        if lanes.probe.is_none() {
            lanes.probe = put;
        } else if lanes.probe < put {
            lanes.probe_later = put;
        }
        lanes.wake_consumer();
    }

    /// The last message, if any; then the consumer finds the end.
    pub(crate) fn close(&self, last: Option<Bytes>) {
        let mut lanes = self.lanes.lock();
        if lanes.closed {
            return;
        }
        if let Some(last) = last {
            lanes.put(last);
        }
        lanes.closed = true;
        lanes.wake_consumer();
        lanes.wake_room();
        self.drained.notify_waiters();
    }

    /// The client is gone: nothing will be read any more.
    pub(crate) fn discard(&self) {
        let mut lanes = self.lanes.lock();
        let (put, consumer, room) = (lanes.put, lanes.consumer.take(), lanes.room.take());
        *lanes = Lanes {
            consumers: lanes.consumers,
            put,
            taken: put,
            closed: true,
            consumer,
            room,
            aside: lanes.aside,
            ..Lanes::default()
        };
        lanes.wake_consumer();
        lanes.wake_room();
        self.drained.notify_waiters();
    }

    /// The next batch, or `None` at the end. Remembers the caller as the one consumer.
    pub(crate) fn poll_take(&self, cx: &Context<'_>) -> Poll<Option<Batch>> {
        self.poll_lanes(&mut self.lanes.lock(), cx)
    }

    fn poll_lanes(&self, lanes: &mut Lanes, cx: &Context<'_>) -> Poll<Option<Batch>> {
        if let Some(batch) = lanes.take(self.bound) {
            if lanes.bytes <= self.bound {
                self.drained.notify_waiters();
            }
            return Poll::Ready(Some(batch));
        }
        if lanes.closed {
            return Poll::Ready(None);
        }
        lanes.consumer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The consumer's own task does something else first: until [`attend`](Self::attend) it is not
    /// woken.
    pub(crate) fn step_aside(&self) {
        self.lanes.lock().aside = Some(false);
    }

    /// Whether there is something that the consumer would have been woken for.
    pub(crate) fn attend(&self) -> bool {
        self.lanes.lock().aside.take().unwrap_or_default()
    }

    /// Somebody else is the consumer from now on; who was it before is told. Answers the number of
    /// the new one.
    pub(crate) fn succeed(&self) -> u64 {
        let mut lanes = self.lanes.lock();
        lanes.consumers += 1;
        lanes.wake_consumer();
        lanes.consumers
    }

    /// As [`poll_take`](Self::poll_take), for one of several consumers that come after each other:
    /// only the newest takes anything, and only it is woken.
    pub(crate) fn poll_take_as(
        &self,
        number: u64,
        cx: &Context<'_>,
    ) -> Poll<Result<Option<Batch>, Superseded>> {
        let mut lanes = self.lanes.lock();
        if lanes.consumers != number {
            return Poll::Ready(Err(Superseded));
        }
        self.poll_lanes(&mut lanes, cx).map(Ok)
    }

    /// Ready once the queue is within its bound, or closed.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut lanes = self.lanes.lock();
        if lanes.bytes <= self.bound || lanes.closed {
            return Poll::Ready(());
        }
        lanes.room = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        self.lanes.lock().bytes
    }

    pub(crate) fn put_so_far(&self) -> WriteMark {
        WriteMark(self.lanes.lock().put)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lanes.lock().closed
    }
}

#[cfg(test)]
#[path = "outbound_tests.rs"]
mod tests;
