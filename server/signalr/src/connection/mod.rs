//! One client's connection as the hub holds it: who it is, and what to send to it.
//!
//! Guarantees: every method returns at once; nothing is dropped without the caller being told,
//! except an unsent [`Connection::send_latest`] that a newer one replaces.

mod facts;
mod inbox;
mod outbound;

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

pub(crate) use facts::{Facts, parameter};
pub(crate) use inbox::Inbox;
pub(crate) use outbound::Outbound;

use crate::protocol::{Message, Protocol, TransportKind};

/// How many lossless messages were put into a connection's queue, up to one of them: ascending.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteMark(pub u64);

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Over the bound. [`Hub::writable`](crate::Hub::writable) tells when there is room.
    #[error("the connection's queue is full")]
    Full,
    /// The connection has ended.
    #[error("the connection is closed")]
    Closed,
}

/// A handle; share it as an `Arc`.
#[derive(Debug)]
pub struct Connection<P> {
    id: Arc<str>,
    principal: P,
    transport: TransportKind,
    facts: Facts,
    connected_at: Instant,
    /// Milliseconds after `connected_at`. Written by the transport.
    last_activity: AtomicU64,
    /// Set by the handshake.
    protocol: OnceLock<Protocol>,
    /// Why the transport lost the client, if it was not by plan. Written before `inbox` ends.
    lost: Mutex<Option<&'static str>>,
    /// The server has closed: calls that are already here are not started any more.
    finished: AtomicBool,
    pub(crate) outbound: Outbound,
    pub(crate) inbox: Inbox,
    /// Either side has closed; starts the time a running call still has.
    pub(crate) ended: CancellationToken,
}

impl<P> Connection<P> {
    pub(crate) fn new(
        id: Arc<str>,
        principal: P,
        transport: TransportKind,
        facts: Facts,
        options: &crate::HubOptions,
    ) -> Self {
        Self {
            id,
            principal,
            transport,
            facts,
            connected_at: Instant::now(),
            last_activity: AtomicU64::new(0),
            protocol: OnceLock::new(),
            lost: Mutex::new(None),
            finished: AtomicBool::new(false),
            outbound: Outbound::new(options.max_queued_bytes),
            inbox: Inbox::new(options.max_inbox_bytes),
            ended: CancellationToken::new(),
        }
    }

    /// The public id; the client knows it too (except when it skipped negotiation).
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Who connected.
    pub fn principal(&self) -> &P {
        &self.principal
    }

    /// What the client connected over.
    pub fn transport(&self) -> TransportKind {
        self.transport
    }

    /// The encoding to send in.
    pub fn protocol(&self) -> Protocol {
        *self.protocol.get().unwrap_or(&Protocol::Json)
    }

    /// When the transport connected.
    pub fn connected_at(&self) -> Instant {
        self.connected_at
    }

    /// When the client last showed life on the wire.
    pub fn last_activity(&self) -> Instant {
        self.connected_at + Duration::from_millis(self.last_activity.load(Ordering::Relaxed))
    }

    /// A parameter of the connecting request's query, else of the negotiate request's, by a name in
    /// any case. `id` and `access_token` are not kept.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.facts.query(name)
    }

    /// A header named in [`HubOptions::kept_headers`](crate::HubOptions::kept_headers).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.facts.header(name)
    }

    /// What the client calls itself; in a browser the SignalR library's own name.
    pub fn user_agent(&self) -> Option<&str> {
        self.facts.user_agent.as_deref()
    }

    /// The peer's address, if the host serves with `ConnectInfo<SocketAddr>`.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.facts.remote
    }

    /// Bytes not yet handed to the transport.
    pub fn queued_bytes(&self) -> usize {
        self.outbound.queued_bytes()
    }

    /// The mark of the newest message put in.
    pub fn mark(&self) -> WriteMark {
        self.outbound.put_so_far()
    }

    /// Whether sending is over.
    pub fn is_closed(&self) -> bool {
        self.outbound.is_closed()
    }

    /// Queues one whole framed message in the connection's [`protocol`](Self::protocol), in order and
    /// without loss. The bytes are shared: see [`Broadcast`](crate::protocol::Broadcast).
    ///
    /// Refuses when the queue holds something and would grow over its bound.
    pub fn try_send(&self, message: Bytes) -> Result<WriteMark, SendError> {
        self.outbound.try_put(message)
    }

    /// Queues a message in place of an unsent earlier one of the same key. Goes out after what is
    /// queued without loss, and counts towards the same bound.
    pub fn send_latest(&self, key: &Arc<str>, message: Bytes) -> Result<(), SendError> {
        self.outbound.put_latest(key, message)
    }

    /// Asks for [`Hub::evidence`](crate::Hub::evidence) of everything queued so far: a WebSocket ping
    /// after it. Other transports have no way to ask.
    pub fn probe(&self) {
        if self.transport == TransportKind::WebSockets {
            self.outbound.probe();
        }
    }

    /// Ends the connection after what is queued was written. The first call wins.
    pub fn close(&self, error: Option<String>, allow_reconnect: bool) {
        let last = self.protocol().encode(&Message::Close {
            error,
            allow_reconnect,
        });
        self.finish(Some(last));
    }

    /// The end on the server's side: one last message, nothing more is read.
    pub(crate) fn finish(&self, last: Option<Bytes>) {
        self.outbound.close(last);
        self.finished.store(true, Ordering::Release);
        self.inbox.discard();
        self.ended.cancel();
    }

    /// The client closed in good order: what it sent before is still handled.
    pub(crate) fn peer_closed(&self) {
        self.inbox.end();
        self.ended.cancel();
    }

    /// The client is gone: what it sent before is still handled, nothing more can be written.
    pub(crate) fn peer_lost(&self, reason: Option<&'static str>) {
        self.lost
            .lock()
            .get_or_insert_with(|| reason.unwrap_or_default());
        self.outbound.discard();
        self.peer_closed();
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    /// Why the transport lost the client.
    pub(crate) fn lost(&self) -> Option<&'static str> {
        self.lost.lock().filter(|reason| !reason.is_empty())
    }

    pub(crate) fn speak(&self, protocol: Protocol) {
        self.protocol.get_or_init(|| protocol);
    }

    pub(crate) fn touch(&self) {
        let since = self.connected_at.elapsed().as_millis();
        self.last_activity
            .store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
