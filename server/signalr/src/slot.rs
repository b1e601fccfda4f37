//! One negotiated place: reserved, then bound to the transport that used its token first.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{sync::watch, time::Instant};

use crate::{Connection, WriteMark, connection::Facts, protocol::TransportKind, visit::Claim};

#[derive(Debug)]
pub(crate) struct Slot<P> {
    /// The secret in `id=`. Never logged.
    pub(crate) token: Arc<str>,
    /// The public id.
    pub(crate) id: Arc<str>,
    /// Who negotiated; later requests must be of the same identity.
    pub(crate) owner: P,
    /// Of the negotiate request, for what the connecting request leaves out.
    pub(crate) facts: Facts,
    /// The client was promised stateful reconnect.
    pub(crate) resumable: bool,
    /// What the reservation holds on to, until it is a connection.
    pub(crate) claim: Mutex<Option<Claim>>,
    stage: Mutex<Stage<P>>,
    /// POSTs go one after the other: their bytes are one stream.
    pub(crate) sending: tokio::sync::Mutex<()>,
    /// POSTs that hold or want the lock.
    pub(crate) senders: AtomicUsize,
    /// The newest message that its transport has passed on whole; counts as read once the client
    /// comes again. Written by Server-Sent Events and long polling.
    delivered: AtomicU64,
}

/// Where a long-polling client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    /// A poll is open.
    Polling,
    /// No poll since then.
    Since(Instant),
    /// It has been told that the connection is over.
    Over,
}

#[derive(Debug)]
enum Stage<P> {
    Reserved {
        until: Instant,
        /// What was sent before the transport came.
        early: Vec<Bytes>,
    },
    Bound {
        connection: Arc<Connection<P>>,
        poll: u64,
        /// Long polling only. Written by polls, watched by the connection's task.
        gap: Option<watch::Sender<Gap>>,
    },
    /// Nobody came in time.
    Expired,
}

/// What becomes of bytes that are [sent early](Slot::keep).
#[derive(Debug)]
pub(crate) enum Keep<P> {
    /// They are the first that the session reads.
    Kept,
    /// They are more than are kept.
    Full,
    /// The transport has come meanwhile.
    Bound(Arc<Connection<P>>, Bytes),
    /// Nobody came in time.
    Expired,
}

/// What a transport finds when it wants a place.
#[derive(Debug)]
pub(crate) enum Bind<P> {
    /// The place is its own from now on.
    Fresh(Arc<Connection<P>>),
    /// The same transport has it already.
    Already(Arc<Connection<P>>),
    /// Another transport has it.
    OtherTransport,
    /// Its time was over.
    Expired,
}

impl<P> Slot<P> {
    pub(crate) fn new(
        token: Arc<str>,
        id: Arc<str>,
        owner: P,
        facts: Facts,
        until: Instant,
    ) -> Self {
        Self {
            token,
            id,
            owner,
            facts,
            resumable: false,
            claim: Mutex::default(),
            stage: Mutex::new(Stage::Reserved {
                until,
                early: Vec::new(),
            }),
            sending: tokio::sync::Mutex::default(),
            senders: AtomicUsize::new(0),
            delivered: AtomicU64::new(0),
        }
    }

    /// The end of the reservation; now, if it is none.
    pub(crate) fn until(&self) -> Instant {
        match &*self.stage.lock() {
            Stage::Reserved { until, .. } => *until,
            Stage::Bound { .. } | Stage::Expired => Instant::now(),
        }
    }

    pub(crate) fn is_expired(&self, now: Instant) -> bool {
        match &*self.stage.lock() {
            Stage::Reserved { until, .. } => *until <= now,
            Stage::Bound { .. } => false,
            Stage::Expired => true,
        }
    }

    /// Ends an unused reservation; `false` if it is used.
    pub(crate) fn expire(&self) -> bool {
        let mut stage = self.stage.lock();
        let unused = matches!(&*stage, Stage::Reserved { .. });
        if unused {
            *stage = Stage::Expired;
        }
        unused
    }

    /// Takes the place for `transport`; `open` makes the connection if it is still free.
    pub(crate) fn bind(
        &self,
        transport: TransportKind,
        open: impl FnOnce() -> Connection<P>,
    ) -> Bind<P> {
        let mut stage = self.stage.lock();
        match &mut *stage {
            Stage::Bound { connection, .. } if connection.transport() == transport => {
                Bind::Already(Arc::clone(connection))
            }
            Stage::Bound { .. } => Bind::OtherTransport,
            Stage::Expired => Bind::Expired,
            Stage::Reserved { early, .. } => {
                let connection = Arc::new(open());
                for chunk in early.drain(..) {
                    connection.inbox.push(chunk);
                }
                let polls = transport == TransportKind::LongPolling;
                *stage = Stage::Bound {
                    connection: Arc::clone(&connection),
                    poll: 0,
                    gap: polls.then(|| watch::Sender::new(Gap::Since(Instant::now()))),
                };
                Bind::Fresh(connection)
            }
        }
    }

    /// Keeps bytes for the session that the transport will begin, `most` of them in all.
    pub(crate) fn keep(&self, bytes: Bytes, most: usize) -> Keep<P> {
        match &mut *self.stage.lock() {
            Stage::Expired => Keep::Expired,
            Stage::Bound { connection, .. } => Keep::Bound(Arc::clone(connection), bytes),
            Stage::Reserved { early, .. } => {
                let kept: usize = early.iter().map(Bytes::len).sum();
                if kept + bytes.len() > most {
                    return Keep::Full;
                }
                early.push(bytes);
                Keep::Kept
            }
        }
    }

    pub(crate) fn connection(&self) -> Option<Arc<Connection<P>>> {
        match &*self.stage.lock() {
            Stage::Bound { connection, .. } => Some(Arc::clone(connection)),
            Stage::Reserved { .. } | Stage::Expired => None,
        }
    }

    /// Where its long-polling client is, from now on; `None` for another transport.
    pub(crate) fn watch_gap(&self) -> Option<watch::Receiver<Gap>> {
        match &*self.stage.lock() {
            Stage::Bound { gap: Some(gap), .. } => Some(gap.subscribe()),
            _ => None,
        }
    }

    /// Makes the caller the current poll, in place of any other. Returns its number.
    pub(crate) fn begin_poll(&self) -> u64 {
        match &mut *self.stage.lock() {
            Stage::Bound {
                poll,
                gap: Some(gap),
                ..
            } => {
                *poll += 1;
                gap.send_if_modified(|gap| {
                    let goes_on = *gap != Gap::Over;
                    if goes_on {
                        *gap = Gap::Polling;
                    }
                    goes_on
                });
                *poll
            }
            _ => 0,
        }
    }

    /// The gap begins, unless another poll has taken over.
    pub(crate) fn end_poll(&self, number: u64) {
        if let Stage::Bound {
            poll,
            gap: Some(gap),
            ..
        } = &*self.stage.lock()
        {
            gap.send_if_modified(|gap| {
                let mine = *gap == Gap::Polling && *poll == number;
                if mine {
                    *gap = Gap::Since(Instant::now());
                }
                mine
            });
        }
    }

    /// The client knows, or wanted, that the connection is over.
    pub(crate) fn polls_are_over(&self) {
        if let Stage::Bound { gap: Some(gap), .. } = &*self.stage.lock() {
            gap.send_replace(Gap::Over);
        }
    }

    pub(crate) fn set_delivered(&self, through: WriteMark) {
        self.delivered.fetch_max(through.0, Ordering::AcqRel);
    }

    /// What was delivered, if anything ever was.
    pub(crate) fn delivered(&self) -> Option<WriteMark> {
        Some(WriteMark(self.delivered.load(Ordering::Acquire))).filter(|mark| mark.0 > 0)
    }
}
