//! The timings and bounds of a hub route. The defaults are those of the official server, where it has
//! the same setting.

use std::time::Duration;

use http::HeaderName;

use crate::protocol::TransportKind;

/// Settings of one [`HubServer`](crate::HubServer).
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// What clients may use, most preferred first. A transport that is not here is answered 404.
    pub transports: Vec<TransportKind>,
    /// The oldest version of the negotiate answer that clients may ask for; 1 keeps out those whose
    /// public id is their secret.
    pub min_negotiate_version: u32,
    /// A negotiated connection that nobody uses is forgotten after this.
    pub reservation_timeout: Duration,
    /// Negotiated connections that nobody uses yet; over it negotiate is answered 503.
    pub max_reservations: usize,
    /// Of them, those of one user, as [`Hub::user_key`](crate::Hub::user_key) says; over it negotiate
    /// is answered 429. `None`: no bound of its own.
    pub max_reservations_per_user: Option<usize>,
    /// Open connections of one user, as [`Hub::user_key`](crate::Hub::user_key) says; over it the
    /// next is answered 429. Negotiated ones count too, as long as they are reserved: a client that
    /// tries one transport after the other negotiates for each. `None`: no bound.
    pub max_connections_per_user: Option<usize>,
    /// As above, of one address, as [`Admission::address_key`](crate::Admission::address_key) says.
    pub max_connections_per_address: Option<usize>,
    /// The client's handshake must arrive within this.
    pub handshake_timeout: Duration,
    /// The server's sign of life, except on long polling.
    pub keep_alive_interval: Duration,
    /// A client that has sent a ping once is gone after this much silence.
    pub client_timeout: Duration,
    /// The largest hub message a client may send.
    pub max_message_bytes: usize,
    /// The largest WebSocket message, which may hold many hub messages.
    pub max_websocket_message_bytes: usize,
    /// Input read ahead of the hub, per connection: once by the transport, once by the session. What
    /// a message or a piece of input takes beside its bytes is counted too, 96 bytes each.
    pub max_inbox_bytes: usize,
    /// Calls a client may make per second, in bursts of up to a second's worth; over it the
    /// connection is closed with an error. `None`: no bound.
    pub max_invocations_per_second: Option<u32>,
    /// How long a POST may keep the server waiting for its body, all waits together.
    pub post_timeout: Duration,
    /// The largest body of a POST, which may hold many hub messages.
    pub max_post_bytes: usize,
    /// POSTs of one connection that wait for each other; over it the next is answered 429.
    pub max_waiting_posts: usize,
    /// Output queued for a client; over it [`slow_client`](Self::slow_client) decides and the
    /// client's next call waits.
    pub max_queued_bytes: usize,
    /// What becomes of a message that finds the queue full.
    pub slow_client: SlowClient,
    /// Calls that may be open at once beside the ordinary ones: answered by
    /// [`Reply::Later`](crate::Reply::Later), or with streams. Over it the next call waits.
    ///
    /// So many ordinary calls may wait for a client's answer at once. Over it the next one is
    /// answered with an error: it cannot wait, since those answers may be behind it.
    pub max_open_replies: usize,
    /// A client that takes nothing of what is written for this long is cut, or with stateful
    /// reconnect confirms nothing while more waits for that. On Server-Sent Events
    /// counted once the HTTP server's own buffers are full; a long poll that is not fetched ends by
    /// [`poll_gap_timeout`](Self::poll_gap_timeout).
    pub send_timeout: Duration,
    /// After one side closed, the other gets this long; so does a call that is still running.
    pub close_timeout: Duration,
    /// A poll with nothing to fetch is answered empty after this. Clients give up at 100 s.
    pub poll_timeout: Duration,
    /// A long-polling client that does not poll for this long is gone.
    pub poll_gap_timeout: Duration,
    /// Whether a WebSocket client that asks for stateful reconnect gets it: its connection survives
    /// the loss of its socket, and nothing sent is lost or doubled.
    pub stateful_reconnect: bool,
    /// With stateful reconnect: written and not confirmed yet, per connection. Over it nothing more
    /// is written until the client confirms, so [`max_queued_bytes`](Self::max_queued_bytes) follows.
    ///
    /// A client that confirms nothing for [`send_timeout`](Self::send_timeout) is cut; it may come
    /// back, and is gone if it then still confirms nothing. One whose input is full as well may have
    /// confirmed behind that: it is written to again, and can no longer resume.
    pub resume_buffer_bytes: usize,
    /// With stateful reconnect: a lost client has this long to come back.
    pub resume_window: Duration,
    /// Whether `POST refresh?id=` lets a client put newer credentials in place of those it
    /// connected with.
    pub auth_refresh: bool,
    /// [`HubServer::drain`](crate::HubServer::drain) waits this long for running calls.
    pub drain_calls_timeout: Duration,
    /// Whether clients see the type and text of internal errors.
    pub detailed_errors: bool,
    /// Ordinary calls of one connection that may run at once; calls that stream do not count.
    pub max_parallel_invocations: usize,
    /// Items of one upload stream that may wait for the method; over it the connection's input
    /// waits, which is the only flow control that clients understand.
    pub stream_buffer_capacity: usize,
    /// Who is told what happens, in numbers.
    pub observer: std::sync::Arc<dyn crate::Observer>,
    /// Request headers that [`Connection::header`](crate::Connection::header) remembers.
    pub kept_headers: Vec<HeaderName>,
}

/// What becomes of a message for a client whose queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlowClient {
    /// [`Connection::send`](crate::Connection::send) waits for room, so the sender is as slow as its
    /// slowest client: for senders that serve one client each.
    Wait,
    /// The message is refused with [`SendError::Full`](crate::SendError::Full), and
    /// [`Hub::writable`](crate::Hub::writable) tells when to go on: for hosts that can send again.
    Park,
    /// The connection is closed with an error and its client told to come back.
    Close,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            transports: vec![
                TransportKind::WebSockets,
                TransportKind::ServerSentEvents,
                TransportKind::LongPolling,
            ],
            min_negotiate_version: 0,
            reservation_timeout: Duration::from_secs(15),
            max_reservations: 10_000,
            max_reservations_per_user: Some(100),
            max_connections_per_user: None,
            max_connections_per_address: None,
            handshake_timeout: Duration::from_secs(15),
            keep_alive_interval: Duration::from_secs(15),
            client_timeout: Duration::from_secs(30),
            max_message_bytes: 32 * 1024,
            max_websocket_message_bytes: 1024 * 1024,
            max_inbox_bytes: 64 * 1024,
            max_invocations_per_second: None,
            post_timeout: Duration::from_secs(30),
            max_post_bytes: 16 * 1024 * 1024,
            max_waiting_posts: 64,
            max_queued_bytes: 64 * 1024,
            slow_client: SlowClient::Park,
            max_open_replies: 4096,
            send_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            poll_timeout: Duration::from_secs(90),
            poll_gap_timeout: Duration::from_secs(15),
            stateful_reconnect: false,
            resume_buffer_bytes: 100_000,
            resume_window: Duration::from_secs(15),
            auth_refresh: false,
            drain_calls_timeout: Duration::from_secs(10),
            detailed_errors: false,
            max_parallel_invocations: 1,
            stream_buffer_capacity: 10,
            observer: std::sync::Arc::new(()),
            kept_headers: Vec::new(),
        }
    }
}
