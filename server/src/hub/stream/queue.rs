//! One event stream: whose it is, and what waits to be written to it.
//!
//! Two lanes as behind SignalR: *lossless* keeps everything in order and refuses when over the bound
//! (what is refused waits in the database), *latest* keeps the newest of each key. Filled by the hub,
//! emptied by the one [`Reader`](super::reader::Reader). A short lock, never across an await.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use signalr::{SendError, WriteMark};
use tokio::sync::Notify;
use tokio::time::{Duration, Instant};

use super::event::{END, event};
use crate::auth::Principal;
use crate::delivery::AckMode;

/// As much as a SignalR connection may have waiting.
const BOUND: usize = 64 * 1024;
/// Handed out at once, at most, unless a single message is larger.
const BATCH: usize = 64 * 1024;
/// Who takes nothing of what waits for so long is gone. Longer than behind SignalR: the socket's own
/// buffers hold megabytes, and a system asks for more only when a good part of them was read.
const STALLED: Duration = Duration::from_mins(1);

/// Called once when a stream is over; whether it was by the server's wish.
pub(crate) type OnEnd = Box<dyn FnOnce(bool) + Send>;

/// Who opened it, and how.
pub(crate) struct Facts {
    pub(crate) id: Arc<str>,
    pub(crate) principal: Arc<Principal>,
    /// As the URL names it.
    pub(crate) device: Option<String>,
    /// Every item is an event named `Notification`.
    pub(crate) as_notification: bool,
    /// As the URL says it. Nothing comes back on a stream, so never by results.
    pub(crate) ack_mode: Option<AckMode>,
    pub(crate) agent: Option<String>,
    pub(crate) address: Option<SocketAddr>,
    /// The first half of each event's id.
    pub(crate) epoch: i64,
}

/// An open event stream.
pub(crate) struct Stream {
    pub(crate) facts: Facts,
    pub(crate) connected_at: Instant,
    queue: Mutex<Queue>,
    /// Told when there is something to take, or the end.
    ready: Notify,
    /// Taken by whoever ends it first.
    on_end: Mutex<Option<OnEnd>>,
}

struct Queue {
    lossless: VecDeque<Bytes>,
    latest: Vec<(Arc<str>, Bytes)>,
    /// Of both lanes.
    bytes: usize,
    /// Lossless messages ever put in.
    put: u64,
    /// A message was refused and the hub not told of room yet.
    refused: bool,
    /// Nothing may be put in any more; what is in is still handed out.
    closed: bool,
    /// When the reader came last.
    read_at: Instant,
    /// Since when something waits that the reader has not come for.
    waits_since: Option<Instant>,
}

/// What the reader passes on.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) bytes: Bytes,
    /// There is room again for what was refused.
    pub(super) writable: bool,
}

impl From<Bytes> for Batch {
    fn from(bytes: Bytes) -> Self {
        Self {
            bytes,
            writable: false,
        }
    }
}

impl Stream {
    pub(crate) fn new(facts: Facts, on_end: OnEnd) -> Self {
        let now = Instant::now();
        Self {
            facts,
            connected_at: now,
            queue: Mutex::new(Queue {
                lossless: VecDeque::new(),
                latest: Vec::new(),
                bytes: 0,
                put: 0,
                refused: false,
                closed: false,
                read_at: now,
                waits_since: None,
            }),
            ready: Notify::new(),
            on_end: Mutex::new(Some(on_end)),
        }
    }

    /// Into the lossless lane, unless over the bound.
    pub(crate) fn try_send(&self, message: Bytes) -> Result<WriteMark, SendError> {
        let mut queue = self.queue.lock();
        queue.fits(message.len())?;
        let mark = queue.put(message);
        drop(queue);
        self.ready.notify_one();
        Ok(mark)
    }

    /// In place of an unsent one of the same key; after what may not be lost.
    pub(crate) fn send_latest(&self, key: &Arc<str>, message: Bytes) -> Result<(), SendError> {
        let mut queue = self.queue.lock();
        let old = queue.latest.iter().position(|(other, _)| other == key);
        match old {
            Some(index) if !queue.closed => {
                let was = queue.latest[index].1.len();
                queue.bytes = queue.bytes - was + message.len();
                queue.latest[index].1 = message;
            }
            _ => {
                queue.fits(message.len())?;
                queue.grows(message.len());
                queue.latest.push((key.clone(), message));
            }
        }
        drop(queue);
        self.ready.notify_one();
        Ok(())
    }

    /// What is queued is still written, then a last event says why. The first call wins.
    pub(crate) fn close(&self, reason: Option<&str>, allow_reconnect: bool) {
        let mut queue = self.queue.lock();
        if queue.closed {
            return;
        }
        let last = serde_json::json!({"reason": reason, "reconnect": allow_reconnect});
        queue.put(event(None, END, &last.to_string()));
        queue.closed = true;
        drop(queue);
        self.ready.notify_one();
    }

    /// Nobody reads any more. Answers false if that was known.
    pub(crate) fn end(&self) -> bool {
        let mut queue = self.queue.lock();
        let by_us = queue.closed;
        queue.closed = true;
        (queue.lossless, queue.latest, queue.bytes) = (VecDeque::new(), Vec::new(), 0);
        drop(queue);
        self.ready.notify_one();
        let on_end = self.on_end.lock().take();
        let first = on_end.is_some();
        if let Some(on_end) = on_end {
            on_end(by_us);
        }
        first
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.queue.lock().closed
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        self.queue.lock().bytes
    }

    pub(crate) fn last_activity(&self) -> Instant {
        self.queue.lock().read_at
    }

    /// Something waits, and nobody came for it for too long.
    pub(crate) fn is_stalled(&self) -> bool {
        let since = self.queue.lock().waits_since;
        since.is_some_and(|since| since.elapsed() >= STALLED)
    }

    /// What is next, or `None` at the end.
    pub(super) async fn take(&self) -> Option<Batch> {
        loop {
            {
                let mut queue = self.queue.lock();
                let batch = queue.take();
                if batch.writable || !batch.bytes.is_empty() {
                    return Some(batch);
                }
                if queue.closed {
                    return None;
                }
            }
            // A permit is kept if it was told meanwhile: there is one reader.
            self.ready.notified().await;
        }
    }
}

/// It may never have come so far that somebody read it.
impl Drop for Stream {
    fn drop(&mut self) {
        self.end();
    }
}

impl Queue {
    /// An empty queue takes anything, or a message larger than the bound could never be sent.
    fn fits(&mut self, length: usize) -> Result<(), SendError> {
        if self.closed {
            return Err(SendError::Closed);
        }
        if self.bytes > 0 && self.bytes + length > BOUND {
            self.refused = true;
            return Err(SendError::Full);
        }
        Ok(())
    }

    fn put(&mut self, message: Bytes) -> WriteMark {
        self.grows(message.len());
        self.put += 1;
        self.lossless.push_back(message);
        WriteMark(self.put)
    }

    fn grows(&mut self, by: usize) {
        self.bytes += by;
        self.waits_since.get_or_insert_with(Instant::now);
    }

    fn take(&mut self) -> Batch {
        self.read_at = Instant::now();
        self.waits_since = None;
        let mut size = 0;
        let mut messages = Vec::new();
        while let Some(next) = self.lossless.front() {
            if size > 0 && size + next.len() > BATCH {
                break;
            }
            size += next.len();
            messages.extend(self.lossless.pop_front());
        }
        // After each batch, not only when the first lane is empty: it may never be.
        for (_, message) in std::mem::take(&mut self.latest) {
            size += message.len();
            messages.push(message);
        }
        self.bytes -= size;
        if self.bytes > 0 {
            self.waits_since = Some(self.read_at);
        } else {
            self.lossless = VecDeque::new(); // an idle stream holds no memory for it
        }
        let writable = self.refused && self.bytes <= BOUND / 2;
        self.refused &= !writable;
        Batch {
            bytes: joined(messages),
            writable,
        }
    }
}

/// Mostly it is one message, to one of thousands: its bytes stay shared.
fn joined(mut messages: Vec<Bytes>) -> Bytes {
    if messages.len() <= 1 {
        return messages.pop().unwrap_or_default();
    }
    messages.concat().into()
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::advance;
    use uuid::Uuid;

    use super::*;
    use crate::auth::{Scopes, Who};

    fn watched(ended: Arc<AtomicUsize>) -> Stream {
        let principal = Principal {
            tenant: Uuid::nil(),
            tenant_key: "a".into(),
            service: None,
            service_key: None,
            who: Who::Service,
            scopes: Scopes::NONE,
            roles: Vec::new(),
            device: None,
            expires_at: None,
            session: None,
        };
        let facts = Facts {
            id: "one".into(),
            principal: Arc::new(principal),
            device: None,
            as_notification: false,
            ack_mode: None,
            agent: None,
            address: None,
            epoch: 1,
        };
        let count = move |by_us: bool| {
            ended.fetch_add(if by_us { 100 } else { 1 }, Ordering::Relaxed);
        };
        Stream::new(facts, Box::new(count))
    }

    pub(in crate::hub::stream) fn stream() -> Stream {
        watched(Arc::default())
    }

    fn large(letter: u8) -> Bytes {
        vec![letter; 40 * 1024].into()
    }

    #[tokio::test]
    async fn over_the_bound_it_refuses_and_says_when_there_is_room() {
        let stream = stream();
        assert_eq!(stream.try_send(large(b'a')), Ok(WriteMark(1)));
        assert_eq!(stream.try_send(large(b'b')), Err(SendError::Full));
        assert_eq!(stream.queued_bytes(), 40 * 1024);
        let batch = stream.take().await.unwrap();
        assert_eq!((batch.bytes, batch.writable), (large(b'a'), true));
        assert_eq!(stream.try_send(large(b'b')), Ok(WriteMark(2)));
        assert!(!stream.take().await.unwrap().writable, "told once");
    }

    #[tokio::test]
    async fn of_a_key_the_newest_goes_out_after_what_may_not_be_lost() {
        let stream = stream();
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        stream.send_latest(&a, "a1 ".into()).unwrap();
        stream.send_latest(&b, "b1 ".into()).unwrap();
        stream.try_send("first ".into()).unwrap();
        stream.send_latest(&a, "a2 ".into()).unwrap();
        assert_eq!(stream.take().await.unwrap().bytes, "first a2 b1 ");
        assert_eq!(stream.queued_bytes(), 0);
        // Over the bound only what it holds already is replaced.
        stream.send_latest(&a, "a3".into()).unwrap();
        stream.try_send(large(b'x')).unwrap();
        let more = "y".repeat(30 * 1024);
        let refused = stream.send_latest(&b, more.clone().into());
        assert_eq!(refused, Err(SendError::Full));
        stream.send_latest(&a, more.into()).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_of_what_waits_for_a_minute_is_gone() {
        let stream = stream();
        advance(STALLED * 3).await;
        assert!(!stream.is_stalled(), "nothing waits");
        stream.try_send(large(b'a')).unwrap();
        stream.close(None, true);
        advance(STALLED / 2).await;
        assert!(!stream.is_stalled());
        // A slow one comes now and then.
        stream.take().await.unwrap();
        advance(STALLED * 3).await;
        assert!(!stream.is_stalled());
        stream.try_send("late".into()).unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_one_is_ended_once_by_whoever_comes_first() {
        let ended = Arc::new(AtomicUsize::new(0));
        let stream = watched(ended.clone());
        stream.try_send("a".into()).unwrap();
        advance(STALLED).await;
        assert!(stream.is_stalled());
        assert!(stream.end());
        assert!(!stream.end());
        assert!(stream.take().await.is_none());
        assert_eq!(ended.load(Ordering::Relaxed), 1, "not by our wish");
        let ended = Arc::new(AtomicUsize::new(0));
        let stream = watched(ended.clone());
        stream.close(Some("why"), false);
        stream.close(None, true);
        let last = stream.take().await.unwrap().bytes;
        assert!(last.ends_with(b"{\"reason\":\"why\",\"reconnect\":false}\n\n"));
        assert!(stream.take().await.is_none());
        drop(stream);
        assert_eq!(ended.load(Ordering::Relaxed), 100);
    }
}
