//! What a client sent and the session has not read yet: a byte stream with a bound.
//!
//! The one writer is the WebSocket or the POST that holds the send lock, the one reader is the
//! session. Over the bound the writer waits, which is the only inbound flow control.

use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use parking_lot::Mutex;

/// What a chunk takes beside its bytes: its place in the queue and its allocation.
const OVERHEAD: usize = 96;

/// A chunk this small that has to wait is copied: it would keep the whole buffer that it is a slice
/// of, while its neighbours are long gone.
const SMALL: usize = 2 * 1024;

#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    bound: usize,
}

#[derive(Debug, Default)]
struct State {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    /// No more will come; the reader still gets what is in.
    closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Nobody reads any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InboxClosed;

impl Inbox {
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            state: Mutex::default(),
            bound,
        }
    }

    /// Ready when there is room, an error when it is closed.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<Result<(), InboxClosed>> {
        let mut state = self.state.lock();
        if state.closed {
            return Poll::Ready(Err(InboxClosed));
        }
        if state.bytes + state.chunks.len() * OVERHEAD < self.bound {
            return Poll::Ready(Ok(()));
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Adds a chunk; ask [`poll_room`](Self::poll_room) first.
    pub(crate) fn push(&self, chunk: Bytes) {
        let mut state = self.state.lock();
        if state.closed || chunk.is_empty() {
            return;
        }
        state.bytes += chunk.len();
        let waits = !state.chunks.is_empty();
        state.chunks.push_back(if waits && chunk.len() <= SMALL {
            Bytes::copy_from_slice(&chunk)
        } else {
            chunk
        });
        wake(&mut state.reader);
    }

    /// What follows comes over a new socket: an unfinished message before it stays unfinished.
    pub(crate) fn cut(&self) {
        let mut state = self.state.lock();
        // One is enough, however many sockets came and went before they were read.
        let cut_already = state.chunks.back().is_some_and(Bytes::is_empty);
        if !state.closed && !cut_already {
            state.chunks.push_back(Bytes::new());
            wake(&mut state.reader);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.state.lock().bytes
    }

    /// Ready once there is a chunk, or the end.
    pub(crate) fn poll_any(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if !state.chunks.is_empty() || state.closed {
            return Poll::Ready(());
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The next chunk, `None` at the end. An empty one is a [cut](Self::cut).
    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        let mut state = self.state.lock();
        if let Some(chunk) = state.chunks.pop_front() {
            state.bytes -= chunk.len();
            if state.chunks.is_empty() {
                state.chunks = VecDeque::new();
            }
            wake(&mut state.writer);
            return Poll::Ready(Some(chunk));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The task of `waker` looks again whatever happens meanwhile: it need not be woken. A reader with a
    /// waker of its own, as host code may have among several of its futures, still has to be.
    pub(crate) fn expect_reader(&self, waker: &Waker) {
        let mut state = self.state.lock();
        state.reader = state
            .reader
            .take()
            .filter(|reader| !reader.will_wake(waker));
    }

    /// The client will send no more; what it sent is still read.
    pub(crate) fn end(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        wake(&mut state.reader);
        wake(&mut state.writer);
    }

    /// The server reads no more.
    pub(crate) fn discard(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.chunks = VecDeque::new();
        state.bytes = 0;
        wake(&mut state.reader);
        wake(&mut state.writer);
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_waits_at_the_bound_and_the_rest_is_read_after_the_end() {
        let inbox = Inbox::new(98);
        let cx = Context::from_waker(Waker::noop());
        assert_eq!(inbox.poll_room(&cx), Poll::Ready(Ok(())));
        inbox.push("ab".into());
        assert_eq!(inbox.poll_room(&cx), Poll::Pending);
        inbox.end();
        assert_eq!(inbox.poll_room(&cx), Poll::Ready(Err(InboxClosed)));
        assert_eq!(inbox.poll_next(&cx), Poll::Ready(Some("ab".into())));
        assert_eq!(inbox.poll_next(&cx), Poll::Ready(None));
    }

    /// 64 KiB of one-byte chunks took megabytes.
    #[test]
    fn tiny_chunks_are_charged_what_they_take_and_keep_nothing_else_alive() {
        let inbox = Inbox::new(64 * 1024);
        let cx = Context::from_waker(Waker::noop());
        let big = Bytes::from(vec![b'x'; 100_000]);
        let mut pushed = 0;
        while inbox.poll_room(&cx).is_ready() {
            inbox.push(big.slice(pushed..=pushed));
            pushed += 1;
        }
        assert!((500..1_000).contains(&pushed), "{pushed}");
        assert_eq!(inbox.bytes(), pushed);
        let _first = inbox.poll_next(&cx);
        let Poll::Ready(Some(chunk)) = inbox.poll_next(&cx) else {
            panic!("it waits")
        };
        assert_ne!(chunk.as_ptr(), big[1..].as_ptr(), "a copy");
    }
}
