//! One client's connection as the hub holds it: who it is, and what to send to it.
//!
//! Guarantees: every method that is not async returns at once; nothing is dropped without the caller being told,
//! except an unsent [`Connection::send_latest`] that a newer one replaces, or merges with.

mod facts;
mod inbox;
mod lanes;
mod lease;
mod outbound;
mod rate;
mod resend;
mod resume;
mod send;
mod sift;
mod state;

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

pub(crate) use facts::{Facts, parameter};
pub(crate) use inbox::Inbox;
pub(crate) use lanes::Batch;
pub(crate) use lease::Lease;
pub(crate) use outbound::Outbound;
pub(crate) use resume::Resume;
pub use resume::Resumed;
pub use send::{SendError, WriteMark};
pub(crate) use sift::sift;
pub(crate) use state::Running;

use crate::{
    HubOptions, Observer, SlowClient,
    client_call::Answers,
    limits::Limits,
    membership::Membership,
    protocol::{Message, Protocol, TransportKind},
};
use rate::Rate;

/// A handle; share it as an `Arc`.
#[derive(Debug)]
pub struct Connection<P> {
    id: Arc<str>,
    pub(crate) lease: Lease<P>,
    transport: TransportKind,
    facts: Facts,
    connected_at: Instant,
    /// Milliseconds after `connected_at`. Written by the transport.
    last_activity: AtomicU64,
    /// Microseconds, 0 if it was never measured. Written by the transport.
    round_trip: AtomicU64,
    /// Set by the handshake.
    protocol: OnceLock<Protocol>,
    /// There are no hub messages. Written by a raw endpoint, as is the next.
    raw: AtomicBool,
    /// Without a protocol: WebSocket frames are binary.
    binary: AtomicBool,
    /// Why the transport lost the client, if it was not by plan. Written before `inbox` ends.
    lost: Mutex<Option<&'static str>>,
    /// The server has closed: calls that are already here are not started any more.
    finished: AtomicBool,
    /// The host's code has panicked.
    broken: AtomicBool,
    /// The server is about to close: calls are not started any more.
    leaving: AtomicBool,
    /// Calls that are being answered.
    calls: AtomicUsize,
    rate: Option<Box<Mutex<Rate>>>,
    slow_client: SlowClient,
    limits: Arc<Limits>,
    observer: Arc<dyn Observer>,
    /// If the client was promised stateful reconnect.
    pub(crate) resume: Option<Box<Resume>>,
    pub(crate) outbound: Outbound,
    pub(crate) inbox: Inbox,
    /// Groups and where they are kept. Entered and left by the session, changed by the hub.
    pub(crate) membership: Membership<P>,
    /// What the client is asked. Answered by the session.
    pub(crate) answers: Answers,
    /// Either side has closed; starts the time a running call still has.
    pub(crate) ended: CancellationToken,
}

/// What a request opens a connection with.
pub(crate) struct Opening<P> {
    pub(crate) id: Arc<str>,
    pub(crate) principal: P,
    /// How long the principal's credentials last.
    pub(crate) good_for: Option<Duration>,
    pub(crate) transport: TransportKind,
    pub(crate) facts: Facts,
    /// Stateful reconnect was promised.
    pub(crate) resumable: bool,
}

impl<P> Connection<P> {
    pub(crate) fn new(opening: Opening<P>, options: &HubOptions, limits: &Arc<Limits>) -> Self {
        let rate = options.max_invocations_per_second;
        Self {
            id: opening.id,
            lease: Lease::new(opening.principal, opening.good_for),
            transport: opening.transport,
            facts: opening.facts,
            connected_at: Instant::now(),
            last_activity: AtomicU64::new(0),
            round_trip: AtomicU64::new(0),
            protocol: OnceLock::new(),
            raw: AtomicBool::new(false),
            binary: AtomicBool::new(false),
            lost: Mutex::new(None),
            finished: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            calls: AtomicUsize::new(0),
            rate: rate.map(|rate| Box::new(Mutex::new(Rate::new(rate)))),
            slow_client: options.slow_client,
            limits: Arc::clone(limits),
            observer: Arc::clone(&options.observer),
            resume: opening.resumable.then(Box::default),
            outbound: Outbound::new(options.max_queued_bytes),
            inbox: Inbox::new(options.max_inbox_bytes),
            ended: CancellationToken::new(),
            membership: Membership::default(),
            answers: Answers::default(),
        }
    }

    pub(crate) fn shared_id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }

    /// The public id; the client knows it too (except when it skipped negotiation).
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whose it is, with the newest credentials: `refresh` and later requests replace those it began
    /// with.
    pub fn principal(&self) -> Arc<P> {
        self.lease.principal()
    }

    /// When the credentials end, as [`Admission::expires_in`](crate::Admission::expires_in) says.
    pub fn expires_at(&self) -> Option<Instant> {
        self.lease.end()
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

    /// How long the newest [`probe`](Self::probe) took there and back: on WebSockets only.
    pub fn round_trip(&self) -> Option<Duration> {
        let micros = self.round_trip.load(Ordering::Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    pub(crate) fn set_round_trip(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.round_trip.store(micros.max(1), Ordering::Relaxed);
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

    /// Bytes of the client that are not read yet: it calls faster than the hub answers.
    pub fn unread_bytes(&self) -> usize {
        self.inbox.bytes()
    }

    /// The mark of the newest message put in.
    pub fn mark(&self) -> WriteMark {
        self.outbound.put_so_far()
    }

    /// Whether sending is over.
    pub fn is_closed(&self) -> bool {
        self.outbound.is_closed()
    }

    /// Ends the connection after what is queued was written. The first call wins.
    pub fn close(&self, error: Option<String>, allow_reconnect: bool) {
        let close = Message::Close {
            error,
            allow_reconnect,
        };
        let last = (!self.raw.load(Ordering::Relaxed)).then(|| self.protocol().encode(&close));
        self.finish(last);
    }
}
