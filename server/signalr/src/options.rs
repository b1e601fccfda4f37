//! The timings and bounds of a hub route. The defaults are those of the official server.

use std::time::Duration;

use http::HeaderName;

use crate::protocol::TransportKind;

/// Settings of one [`HubServer`](crate::HubServer).
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// What clients may use, most preferred first. A transport that is not here is answered 404.
    pub transports: Vec<TransportKind>,
    /// A negotiated connection that nobody uses is forgotten after this.
    pub reservation_timeout: Duration,
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
    /// Input read ahead of the hub, per connection.
    pub max_inbox_bytes: usize,
    /// Output queued for a client; over it [`Connection::try_send`](crate::Connection::try_send)
    /// refuses and the client's next call waits.
    pub max_queued_bytes: usize,
    /// Calls that may be open at once beside the ordinary ones: answered by
    /// [`Reply::Later`](crate::Reply::Later), or with streams. Over it the next call waits.
    pub max_open_replies: usize,
    /// A WebSocket write that takes longer ends the connection.
    pub send_timeout: Duration,
    /// After one side closed, the other gets this long; so does a call that is still running.
    pub close_timeout: Duration,
    /// A poll with nothing to fetch is answered empty after this. Clients give up at 100 s.
    pub poll_timeout: Duration,
    /// A long-polling client that does not poll for this long is gone.
    pub poll_gap_timeout: Duration,
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

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            transports: vec![
                TransportKind::WebSockets,
                TransportKind::ServerSentEvents,
                TransportKind::LongPolling,
            ],
            reservation_timeout: Duration::from_secs(15),
            handshake_timeout: Duration::from_secs(15),
            keep_alive_interval: Duration::from_secs(15),
            client_timeout: Duration::from_secs(30),
            max_message_bytes: 32 * 1024,
            max_websocket_message_bytes: 1024 * 1024,
            max_inbox_bytes: 64 * 1024,
            max_queued_bytes: 64 * 1024,
            max_open_replies: 4096,
            send_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            poll_timeout: Duration::from_secs(90),
            poll_gap_timeout: Duration::from_secs(15),
            detailed_errors: false,
            max_parallel_invocations: 1,
            stream_buffer_capacity: 10,
            observer: std::sync::Arc::new(()),
            kept_headers: Vec::new(),
        }
    }
}
