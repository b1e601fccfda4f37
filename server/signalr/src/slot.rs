//! One negotiated place: reserved, then bound to the transport that used its token first.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;
use tokio::{sync::watch, time::Instant};

use crate::{Connection, WriteMark, connection::Facts, protocol::TransportKind};

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
    stage: Mutex<Stage<P>>,
    /// POSTs go one after the other: their bytes are one stream.
    pub(crate) sending: tokio::sync::Mutex<()>,
    /// The newest message that its transport has passed on whole; counts as read once the client
    /// comes again. Written by Server-Sent Events and long polling.
    delivered: AtomicU64,
    /// Long polling only. Written by polls, watched by the connection's task.
    pub(crate) gap: watch::Sender<Gap>,
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
    },
    Bound {
        connection: Arc<Connection<P>>,
        poll: u64,
    },
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
}

impl<P> Slot<P> {
    pub(crate) fn new(
        token: Arc<str>,
        id: Arc<str>,
        owner: P,
        facts: Facts,
        until: Instant,
    ) -> Self {
        let stage = Mutex::new(Stage::Reserved { until });
        let gap = watch::Sender::new(Gap::Polling);
        let (sending, delivered) = (tokio::sync::Mutex::default(), AtomicU64::new(0));
        Self {
            token,
            id,
            owner,
            facts,
            stage,
            sending,
            delivered,
            gap,
        }
    }

    pub(crate) fn is_expired(&self, now: Instant) -> bool {
        matches!(&*self.stage.lock(), Stage::Reserved { until } if *until <= now)
    }

    /// Takes the place for `transport`; `open` makes the connection if it is still free.
    pub(crate) fn bind(
        &self,
        transport: TransportKind,
        open: impl FnOnce() -> Connection<P>,
    ) -> Bind<P> {
        let mut stage = self.stage.lock();
        match &*stage {
            Stage::Bound { connection, .. } if connection.transport() == transport => {
                Bind::Already(Arc::clone(connection))
            }
            Stage::Bound { .. } => Bind::OtherTransport,
            Stage::Reserved { .. } => {
                let connection = Arc::new(open());
                *stage = Stage::Bound {
                    connection: Arc::clone(&connection),
                    poll: 0,
                };
                Bind::Fresh(connection)
            }
        }
    }

    pub(crate) fn connection(&self) -> Option<Arc<Connection<P>>> {
        match &*self.stage.lock() {
            Stage::Bound { connection, .. } => Some(Arc::clone(connection)),
            Stage::Reserved { .. } => None,
        }
    }

    /// Makes the caller the current poll, in place of any other. Returns its number.
    pub(crate) fn next_poll(&self) -> u64 {
        match &mut *self.stage.lock() {
            Stage::Bound { poll, .. } => {
                *poll += 1;
                *poll
            }
            Stage::Reserved { .. } => 0,
        }
    }

    pub(crate) fn set_delivered(&self, through: WriteMark) {
        self.delivered.fetch_max(through.0, Ordering::AcqRel);
    }

    /// What was delivered, if anything ever was.
    pub(crate) fn delivered(&self) -> Option<WriteMark> {
        Some(WriteMark(self.delivered.load(Ordering::Acquire))).filter(|mark| mark.0 > 0)
    }

    pub(crate) fn is_current_poll(&self, number: u64) -> bool {
        matches!(&*self.stage.lock(), Stage::Bound { poll, .. } if *poll == number)
    }
}
