//! Stateful reconnect: what a connection needs to outlive its WebSocket.
//!
//! Each direction counts the messages of types 1 to 5 from 1 on; numbers are never sent but in Ack
//! and Sequence. What the server wrote and the client has not acked is kept by the queue
//! ([`super::Outbound`]); here is the other direction, and the way of a new socket to the task of the
//! connection. Neither exists for a connection that was not promised it.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Poll, Waker},
    time::Duration,
};

use hyper::upgrade::{OnUpgrade, Upgraded};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::sleep};

use crate::protocol::Message;

/// Acks are at least this far apart.
const ACK_PAUSE: Duration = Duration::from_secs(1);

/// A client came back in time: its connection goes on, groups and all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumed {
    /// How long it had no socket; zero if the new one came before the loss was seen.
    pub away: Duration,
    /// Messages that are written again because the client has not confirmed them. The host itself
    /// must not send anything twice.
    pub replayed: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Resume {
    /// Both sides agreed on it in the handshake.
    on: AtomicBool,
    /// Between two sockets.
    away: AtomicBool,
    received: Mutex<Received>,
    /// Told with each message that wants an ack.
    unacked: Notify,
    /// The socket that takes over. Put in by its request, taken by the connection's task.
    successor: Mutex<Successor>,
}

/// The way of a new socket to the task of its connection. A place and not a message: nothing is
/// lost between two looks, and of two that came the newer one counts.
#[derive(Debug, Default)]
struct Successor {
    /// Its request is answered; the socket is there when this is ready.
    upgrade: Option<OnUpgrade>,
    /// Nobody will look again.
    closed: bool,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
struct Received {
    /// Tracked messages that came, as the client counts: the next one's number is one higher.
    count: u64,
    /// The highest number handled.
    handled: u64,
    /// The client has not been told of all that came.
    owes_ack: bool,
    /// A new socket's first message must be a Sequence; until then all is skipped.
    wants_sequence: bool,
}

/// What to do with a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Handle,
    /// It was handled before, or does not count.
    Skip,
    /// The client has everything up to this number.
    Acked(u64),
    /// The two sides have lost count of each other.
    OutOfStep,
}

impl Resume {
    pub(crate) fn turn_on(&self) {
        self.on.store(true, Ordering::Release);
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Acquire)
    }

    pub(crate) fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Release);
    }

    /// What is read from here on comes from a new socket.
    pub(crate) fn expect_sequence(&self) {
        self.received.lock().wants_sequence = true;
    }

    pub(crate) fn judge(&self, message: &Message) -> Verdict {
        let mut received = self.received.lock();
        if received.wants_sequence && !matches!(message, Message::Sequence { .. }) {
            return Verdict::Skip;
        }
        match message {
            Message::Sequence { sequence_id } => {
                if *sequence_id == 0 || *sequence_id > received.count + 1 {
                    return Verdict::OutOfStep;
                }
                received.wants_sequence = false;
                received.count = sequence_id - 1;
                Verdict::Skip
            }
            Message::Ack { sequence_id } => Verdict::Acked(*sequence_id),
            Message::Ping | Message::Close { .. } => Verdict::Handle,
            Message::Invocation(_)
            | Message::StreamInvocation(_)
            | Message::StreamItem { .. }
            | Message::Completion { .. }
            | Message::CancelInvocation { .. } => {
                received.count += 1;
                let new = received.count > received.handled;
                received.handled = received.handled.max(received.count);
                // Also for what came again: the client has not seen the ack.
                received.owes_ack = true;
                drop(received);
                self.unacked.notify_one();
                if new { Verdict::Handle } else { Verdict::Skip }
            }
        }
    }

    /// The number of the next ack, when it is time for one.
    pub(crate) async fn next_ack(&self) -> u64 {
        loop {
            self.unacked.notified().await;
            if !self.received.lock().owes_ack {
                continue; // it was in the last one
            }
            sleep(ACK_PAUSE).await;
            let mut received = self.received.lock();
            received.owes_ack = false;
            return received.handled;
        }
    }

    /// A new socket for the connection, in place of one that still waits. `false` if the connection's
    /// task has stopped waiting.
    pub(crate) fn take_over(&self, upgrade: OnUpgrade) -> bool {
        let mut successor = self.successor.lock();
        if successor.closed {
            return false;
        }
        successor.upgrade = Some(upgrade);
        if let Some(waker) = successor.waker.take() {
            waker.wake();
        }
        true
    }

    /// Whether a socket is on its way.
    pub(crate) fn has_successor(&self) -> bool {
        self.successor.lock().upgrade.is_some()
    }

    /// The next socket that takes over, once it is really there: its request may have been given up
    /// meanwhile. Nothing is lost when the future is dropped.
    pub(crate) async fn successor(&self) -> Upgraded {
        poll_fn(|cx| {
            let mut successor = self.successor.lock();
            if let Some(upgrade) = &mut successor.upgrade
                && let Poll::Ready(upgraded) = Pin::new(upgrade).poll(cx)
            {
                successor.upgrade = None;
                if let Ok(upgraded) = upgraded {
                    return Poll::Ready(upgraded);
                }
            }
            successor.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Lets no more sockets in; `false`, and nothing changes, if one is on its way already.
    pub(crate) fn close_if_idle(&self) -> bool {
        let mut successor = self.successor.lock();
        successor.closed = successor.upgrade.is_none();
        successor.closed
    }

    /// Lets no more sockets in, and drops one that is on its way.
    pub(crate) fn close(&self) {
        let mut successor = self.successor.lock();
        successor.closed = true;
        successor.upgrade = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: fn() -> Message = || Message::CancelInvocation { id: String::new() };

    fn sequence(sequence_id: u64) -> Message {
        Message::Sequence { sequence_id }
    }

    #[tokio::test]
    async fn after_the_end_no_socket_is_taken_for_one_that_will_be_served() {
        let upgrade = || hyper::upgrade::on(http::Request::new(axum::body::Body::empty()));
        let resume = Resume::default();
        assert!(resume.take_over(upgrade()));
        assert!(!resume.close_if_idle(), "one is on its way");
        // Its request is given up: not there any more.
        assert!(futures_util::poll!(std::pin::pin!(resume.successor())).is_pending());
        assert!(!resume.has_successor());
        assert!(resume.close_if_idle());
        assert!(!resume.take_over(upgrade()));
    }

    #[test]
    fn only_types_1_to_5_count() {
        let resume = Resume::default();
        for message in [
            Message::Ping,
            Message::Close {
                error: None,
                allow_reconnect: false,
            },
            ITEM(),
        ] {
            assert_eq!(resume.judge(&message), Verdict::Handle);
        }
        assert_eq!(
            resume.judge(&Message::Ack { sequence_id: 4 }),
            Verdict::Acked(4)
        );
        assert_eq!(resume.received.lock().count, 1);
    }

    #[test]
    fn what_comes_again_after_a_sequence_is_skipped_and_what_is_new_is_not() {
        let resume = Resume::default();
        assert_eq!(resume.judge(&ITEM()), Verdict::Handle);
        assert_eq!(resume.judge(&ITEM()), Verdict::Handle);
        resume.expect_sequence();
        assert_eq!(resume.judge(&ITEM()), Verdict::Skip, "before the sequence");
        assert_eq!(resume.judge(&Message::Ping), Verdict::Skip);
        assert_eq!(resume.judge(&sequence(2)), Verdict::Skip);
        assert_eq!(resume.judge(&ITEM()), Verdict::Skip, "the second again");
        assert_eq!(resume.judge(&ITEM()), Verdict::Handle, "the third");
    }

    #[test]
    fn a_sequence_above_the_next_number_is_fatal() {
        let resume = Resume::default();
        resume.judge(&ITEM());
        assert_eq!(resume.judge(&sequence(2)), Verdict::Skip);
        assert_eq!(resume.judge(&sequence(3)), Verdict::OutOfStep);
        assert_eq!(resume.judge(&sequence(0)), Verdict::OutOfStep);
    }
}
