//! One client's connection as the hub holds it: who it is, and what to send to it.
//!
//! Guarantees: every method returns at once; nothing is dropped without the caller being told,
//! except an unsent [`Connection::send_latest`] that a newer one replaces.

mod facts;
mod inbox;
mod lease;
mod outbound;
mod rate;
mod resend;
mod resume;
mod sift;

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

pub(crate) use facts::{Facts, parameter};
pub(crate) use inbox::Inbox;
pub(crate) use lease::Lease;
pub(crate) use outbound::{Batch, Outbound};
pub(crate) use resume::Resume;
pub use resume::Resumed;
pub(crate) use sift::sift;

use crate::{
    HubOptions, Limit, Observer, SlowClient,
    client_call::Answers,
    limits::Limits,
    membership::Membership,
    protocol::{Message, Protocol, TransferFormat, TransportKind},
};
use rate::Rate;

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
    /// An argument could not be encoded: nobody got anything.
    #[error("an argument cannot be encoded")]
    Encoding,
}

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

    /// Queues one whole framed message in the connection's [`protocol`](Self::protocol), in order and
    /// without loss. The bytes are shared: see [`Broadcast`](crate::protocol::Broadcast).
    ///
    /// Refuses when the queue holds something and would grow over its bound; with
    /// [`SlowClient::Close`] the connection is closed then.
    pub fn try_send(&self, message: Bytes) -> Result<WriteMark, SendError> {
        self.checked(self.outbound.try_put(message))
    }

    /// As [`try_send`](Self::try_send), but with [`SlowClient::Wait`] it waits for room. A sender
    /// that awaits each send keeps its order; two senders that wait have none between them.
    pub async fn send_frame(&self, message: Bytes) -> Result<WriteMark, SendError> {
        if self.slow_client != SlowClient::Wait {
            return self.try_send(message);
        }
        loop {
            // Registered before trying, so that room made in between is not missed.
            let mut drained = std::pin::pin!(self.outbound.drained());
            drained.as_mut().enable();
            match self.try_send(message.clone()) {
                Err(SendError::Full) => drained.await,
                result => return result,
            }
        }
    }

    /// Counts a refusal, and closes if that is the policy.
    fn checked<T>(&self, result: Result<T, SendError>) -> Result<T, SendError> {
        if matches!(result, Err(SendError::Full)) {
            self.limits.hit(Limit::QueuedBytes);
            if self.slow_client == SlowClient::Close {
                let error = "Connection closed with an error. The client reads too slowly.";
                self.close(Some(error.to_owned()), true);
                return Err(SendError::Closed);
            }
        }
        result
    }

    /// Queues a message in place of an unsent earlier one of the same key. Goes out after what is
    /// queued without loss, and counts towards the same bound.
    pub fn send_latest(&self, key: &Arc<str>, message: Bytes) -> Result<(), SendError> {
        self.checked(self.outbound.put_latest(key, message))
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
        let close = Message::Close {
            error,
            allow_reconnect,
        };
        let last = (!self.raw.load(Ordering::Relaxed)).then(|| self.protocol().encode(&close));
        self.finish(last);
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

    /// After the answer to a good handshake: a client that promised version 2 resumes.
    pub(crate) fn shaken(&self, version: u32, options: &HubOptions) {
        if let Some(resume) = self.resume.as_ref().filter(|_| version >= 2) {
            resume.turn_on();
            self.outbound
                .keep_unacked(self.protocol(), options.resume_buffer_bytes);
        }
    }

    /// What its transport writes next, see [`Outbound::poll_take`].
    pub(crate) fn poll_take(&self, cx: &Context<'_>) -> Poll<Option<Batch>> {
        let taken = self.outbound.poll_take(cx);
        if let Poll::Ready(Some(batch)) = &taken
            && !batch.messages.is_empty()
        {
            let bytes = batch.messages.iter().map(Bytes::len).sum();
            self.observer.sent(batch.messages.len(), bytes);
        }
        taken
    }

    /// What a WebSocket's frames are.
    pub(crate) fn transfer_format(&self) -> TransferFormat {
        match self.protocol.get() {
            Some(protocol) => protocol.transfer_format(),
            None if self.binary.load(Ordering::Relaxed) => TransferFormat::Binary,
            None => TransferFormat::Text,
        }
    }

    /// It is closed without words from now on.
    pub(crate) fn set_raw(&self) {
        self.raw.store(true, Ordering::Relaxed);
    }

    pub(crate) fn set_binary(&self, binary: bool) {
        self.binary.store(binary, Ordering::Relaxed);
    }

    /// Stateful reconnect, if the connection can still be continued.
    pub(crate) fn resumable(&self) -> Option<&Resume> {
        let resume = self.resume.as_deref().filter(|resume| resume.is_on())?;
        (!self.is_closed() && !self.ended.is_cancelled()).then_some(resume)
    }

    /// Its client has lost its socket and may come back: silence is no news.
    pub(crate) fn is_away(&self) -> bool {
        self.resume.as_ref().is_some_and(|resume| resume.is_away())
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Calls are not started any more; those that run go on.
    pub(crate) fn no_more_calls(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    /// Counts a call until the guard is dropped, which must be after its answer was queued.
    pub(crate) fn begin_call(self: &Arc<Self>) -> Running<P> {
        self.calls.fetch_add(1, Ordering::AcqRel);
        Running(Arc::clone(self))
    }

    /// Calls of the client that are not answered yet, streams included.
    pub fn running_calls(&self) -> usize {
        self.calls.load(Ordering::Acquire)
    }

    pub(crate) fn within_rate(&self) -> bool {
        self.rate.as_ref().is_none_or(|rate| rate.lock().take())
    }

    pub(crate) fn touch(&self) {
        let since = self.connected_at.elapsed().as_millis();
        self.last_activity
            .store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// A call that is being answered.
#[derive(Debug)]
pub(crate) struct Running<P>(Arc<Connection<P>>);

impl<P> Drop for Running<P> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::AcqRel);
    }
}
