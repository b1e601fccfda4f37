//! What waits to be written to one client.
//!
//! Two lanes: *lossless* keeps everything in order and refuses when over the bound; *latest* keeps
//! the newest message of each key. Filled by the hub and the session, emptied by the one consumer a
//! transport has at a time. A short lock, never across an await. Empty lanes hold no memory.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use parking_lot::Mutex;

use super::{SendError, WriteMark};

/// Handed to the transport at once, at most, unless a single message is larger.
pub(crate) const BATCH_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Outbound {
    lanes: Mutex<Lanes>,
    /// Over this, `try_send` refuses.
    bound: usize,
}

#[derive(Debug, Default)]
struct Lanes {
    lossless: VecDeque<Bytes>,
    latest: Vec<(Arc<str>, Bytes)>,
    /// Of both lanes.
    bytes: usize,
    /// Lossless messages ever put in.
    put: u64,
    /// Lossless messages ever handed to the transport.
    taken: u64,
    /// A message was refused and the hub not told of room yet.
    refused: bool,
    /// Evidence wanted after this many messages: the earliest wish, and the latest if it is later.
    probe: Option<u64>,
    probe_later: Option<u64>,
    /// Nothing may be put in any more; what is in is still handed out.
    closed: bool,
    /// The transport; set while it waits.
    consumer: Option<Waker>,
    /// The session; set while it waits for room.
    room: Option<Waker>,
}

/// What the transport writes next. May be empty of messages and still carry a probe.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) messages: Vec<Bytes>,
    /// Everything handed out so far, this batch included.
    pub(crate) mark: WriteMark,
    /// Ask for evidence after these.
    pub(crate) probe: bool,
    /// Tell the hub that there is room again.
    pub(crate) writable: bool,
}

impl Outbound {
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            lanes: Mutex::default(),
            bound,
        }
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
    }

    /// The client is gone: nothing will be read any more.
    pub(crate) fn discard(&self) {
        let mut lanes = self.lanes.lock();
        let (put, consumer, room) = (lanes.put, lanes.consumer.take(), lanes.room.take());
        *lanes = Lanes {
            put,
            taken: put,
            closed: true,
            consumer,
            room,
            ..Lanes::default()
        };
        lanes.wake_consumer();
        lanes.wake_room();
    }

    /// The next batch, or `None` at the end. Remembers the caller as the one consumer.
    pub(crate) fn poll_take(&self, cx: &Context<'_>) -> Poll<Option<Batch>> {
        let mut lanes = self.lanes.lock();
        if let Some(batch) = lanes.take(self.bound) {
            return Poll::Ready(Some(batch));
        }
        if lanes.closed {
            return Poll::Ready(None);
        }
        lanes.consumer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Makes a waiting consumer look again, because somebody takes its place.
    pub(crate) fn disturb(&self) {
        self.lanes.lock().wake_consumer();
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

impl Lanes {
    fn fits(&mut self, length: usize, bound: usize) -> Result<(), SendError> {
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

    fn put(&mut self, message: Bytes) -> WriteMark {
        self.bytes += message.len();
        self.put += 1;
        self.lossless.push_back(message);
        self.wake_consumer();
        WriteMark(self.put)
    }

    fn take(&mut self, bound: usize) -> Option<Batch> {
        let mut batch = Batch::default();
        let mut size = 0;
        while let Some(next) = self.lossless.front() {
            if size > 0 && size + next.len() > BATCH_BYTES {
                break;
            }
            size += next.len();
            self.taken += 1;
            batch.messages.extend(self.lossless.pop_front());
        }
        if self.lossless.is_empty() {
            self.lossless = VecDeque::new();
        }
        // After each batch, not only when the first lane is empty: it may never be.
        for (_, message) in std::mem::take(&mut self.latest) {
            size += message.len();
            batch.messages.push(message);
        }
        self.bytes -= size;
        batch.mark = WriteMark(self.taken);
        if self.probe.is_some_and(|wanted| wanted <= self.taken) {
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
        (batch.probe || !batch.messages.is_empty()).then_some(batch)
    }

    fn wake_consumer(&mut self) {
        if let Some(waker) = self.consumer.take() {
            waker.wake();
        }
    }

    fn wake_room(&mut self) {
        if let Some(waker) = self.room.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(outbound: &Outbound) -> Option<Batch> {
        match outbound.poll_take(&Context::from_waker(Waker::noop())) {
            Poll::Ready(batch) => batch,
            Poll::Pending => Some(Batch::default()),
        }
    }

    fn key(name: &str) -> Arc<str> {
        name.into()
    }

    #[test]
    fn a_full_queue_refuses_and_announces_room_once_below_half() {
        let outbound = Outbound::new(10);
        assert_eq!(
            outbound.try_put("0123456789ab".into()),
            Ok(WriteMark(1)),
            "alone it may be over"
        );
        assert_eq!(outbound.try_put("x".into()), Err(SendError::Full));
        outbound.put("owed".into());
        assert_eq!(outbound.queued_bytes(), 16);
        let batch = take(&outbound).unwrap();
        assert_eq!(batch.messages, ["0123456789ab", "owed"]);
        assert!(batch.writable);
        assert_eq!(outbound.try_put("x".into()), Ok(WriteMark(3)));
        assert!(!take(&outbound).unwrap().writable, "told only once");
    }

    #[test]
    fn the_newest_of_a_key_takes_the_place_of_the_older() {
        let outbound = Outbound::new(100);
        let put = |name, message: &'static str| {
            outbound.put_latest(&key(name), message.into(), |_, newer| newer)
        };
        put("a", "a1").unwrap();
        put("b", "b1").unwrap();
        put("a", "a22").unwrap();
        outbound.try_put("first".into()).unwrap();
        assert_eq!(outbound.queued_bytes(), 10);
        assert_eq!(take(&outbound).unwrap().messages, ["first", "a22", "b1"]);
        assert_eq!(outbound.queued_bytes(), 0);
    }

    #[test]
    fn what_is_merged_keeps_its_place_and_its_length_is_counted() {
        let outbound = Outbound::new(100);
        let put = |message: &'static str| {
            outbound.put_latest(&key("a"), message.into(), |unsent, newer| {
                [unsent.as_ref(), newer.as_ref()].concat().into()
            })
        };
        put("one").unwrap();
        put("three").unwrap();
        assert_eq!(outbound.queued_bytes(), 8);
        assert_eq!(take(&outbound).unwrap().messages, ["onethree"]);
        assert_eq!(outbound.queued_bytes(), 0);
        put("alone").unwrap();
        assert_eq!(take(&outbound).unwrap().messages, ["alone"]);
    }

    #[test]
    fn a_probe_waits_for_what_was_queued_before_it() {
        let outbound = Outbound::new(usize::MAX);
        let big = Bytes::from(vec![b'x'; BATCH_BYTES]);
        outbound.put(big.clone());
        outbound.put(big);
        outbound.probe();
        outbound.probe();
        assert!(!take(&outbound).unwrap().probe);
        let second = take(&outbound).unwrap();
        assert!(second.probe);
        assert_eq!(second.mark, WriteMark(2));
        outbound.probe();
        let again = take(&outbound).unwrap();
        assert!(
            again.probe && again.messages.is_empty(),
            "a probe needs no message"
        );
    }

    #[test]
    fn a_later_probe_is_not_served_by_an_earlier_ping() {
        let outbound = Outbound::new(usize::MAX);
        let big = Bytes::from(vec![b'x'; BATCH_BYTES]);
        outbound.put(big.clone());
        outbound.probe();
        outbound.put(big);
        outbound.probe();
        assert_eq!(
            take(&outbound).map(|b| (b.probe, b.mark)),
            Some((true, WriteMark(1)))
        );
        assert_eq!(
            take(&outbound).map(|b| (b.probe, b.mark)),
            Some((true, WriteMark(2)))
        );
    }

    #[test]
    fn closing_hands_out_the_rest_and_then_ends() {
        let outbound = Outbound::new(10);
        outbound.put("a".into());
        outbound.close(Some("bye".into()));
        outbound.put("late".into());
        assert_eq!(outbound.try_put("b".into()), Err(SendError::Closed));
        assert_eq!(take(&outbound).unwrap().messages, ["a", "bye"]);
        assert!(take(&outbound).is_none());
    }
}
