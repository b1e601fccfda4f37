//! Moves frames between a WebSocket and a connection until one side closes.
//!
//! Written as one poll function, because reading and writing share the socket and neither may wait
//! for the other. An idle connection costs the 2 KiB read buffer and no timer. Pongs are handled
//! here; the library answers pings by itself.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, sleep},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{
            Role, WebSocketConfig,
            frame::{
                Frame,
                coding::{Data, OpCode},
            },
        },
    },
};

use super::{closing::End, probe, progress::Progress};
use crate::{
    Connection, Limit, WriteMark, endpoint::Endpoint, protocol::TransferFormat, server::Shared,
};

/// Small on purpose: there is one per connection, and hub messages are small.
const READ_BUFFER: usize = 2 * 1024;
const WRITE_BUFFER: usize = 4 * 1024;
/// A single message larger than this cannot be sent.
const LARGEST_WRITE: usize = 16 * 1024 * 1024;
/// Frames handled before other tasks get their turn.
const TURN: usize = 32;

pub(super) struct Pump<'a, E: Endpoint, S> {
    pub(super) socket: WebSocketStream<Progress<S>>,
    pub(super) server: &'a Shared<E>,
    pub(super) connection: &'a Arc<Connection<E::Principal>>,
    /// Of the current batch, not given to the socket yet.
    pub(super) staged: VecDeque<Bytes>,
    /// What the staged messages' frames are.
    format: Data,
    /// A ping that goes out after them.
    pub(super) ping: Option<Bytes>,
    /// The socket holds bytes that may not be on their way.
    pub(super) unflushed: bool,
    /// Nothing more can be read.
    deaf: bool,
    /// What the newest ping asked about; a pong cannot prove more.
    pinged: WriteMark,
    /// When, until its pong has come.
    pinged_at: Option<Instant>,
    /// Runs while something waits for the client; with how far it was when it began.
    stall: Option<(Pin<Box<Sleep>>, Waits)>,
}

/// What is waited for, and how much of it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// The client's reading: bytes written.
    Socket(u64),
    /// With stateful reconnect, its Ack: the first message that is not confirmed.
    Confirmation(u64),
}

impl<'a, E: Endpoint, S: AsyncRead + AsyncWrite + Unpin> Pump<'a, E, S> {
    pub(super) async fn new(
        server: &'a Shared<E>,
        connection: &'a Arc<Connection<E::Principal>>,
        stream: S,
    ) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(LARGEST_WRITE)
            .max_message_size(Some(server.options.max_websocket_message_bytes))
            .max_frame_size(Some(server.options.max_websocket_message_bytes));
        let stream = Progress::new(stream);
        Self {
            socket: WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await,
            server,
            connection,
            staged: VecDeque::new(),
            format: Data::Text,
            ping: None,
            unflushed: false,
            deaf: false,
            pinged: WriteMark::default(),
            pinged_at: None,
            stall: None,
        }
    }

    /// Moves frames until one side closes or is lost.
    pub(super) async fn run(&mut self) -> End {
        let end = poll_fn(|cx| self.poll(cx)).await;
        if matches!(end, End::Stalled | End::Unconfirmed) {
            self.server.limits.hit(Limit::SendTimeout);
        }
        end
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        if let Poll::Ready(end) = self.poll_write(cx) {
            return Poll::Ready(end);
        }
        self.poll_read(cx)
    }

    /// Pending when all is written or the socket is full.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            match self.poll_drain(cx) {
                Poll::Pending => {
                    let written = self.socket.get_ref().written();
                    return self.poll_stall(Waits::Socket(written), cx);
                }
                Poll::Ready(Err(Error::WriteBufferFull(_))) => {
                    return Poll::Ready(End::Unsendable);
                }
                Poll::Ready(Err(_)) => return Poll::Ready(End::Lost),
                Poll::Ready(Ok(())) => {}
            }
            let batch = match self.connection.poll_take(cx) {
                Poll::Ready(Some(batch)) => batch,
                Poll::Ready(None) => return Poll::Ready(End::Finished),
                Poll::Pending => {
                    let Some(first) = self.connection.outbound.held_back() else {
                        self.stall = None;
                        return Poll::Pending;
                    };
                    return self.poll_stall(Waits::Confirmation(first), cx);
                }
            };
            self.format = match self.connection.transfer_format() {
                TransferFormat::Text => Data::Text,
                TransferFormat::Binary => Data::Binary,
            };
            self.staged = batch.messages;
            if batch.probe {
                self.pinged = batch.mark;
                self.pinged_at = Some(Instant::now());
                self.ping = Some(probe::payload(batch.mark));
            }
            if batch.writable {
                self.server.hub.writable(self.connection);
            }
        }
    }

    /// Gives the socket what is staged and flushes it.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.staged.is_empty() || self.ping.is_some() {
            ready!(self.socket.poll_ready_unpin(cx))?;
            self.unflushed = true;
            // One frame each: whole messages, and no copy to join them.
            let next = match self.staged.pop_front() {
                Some(message) => {
                    let frame = Frame::message(message, OpCode::Data(self.format), true);
                    Some(Message::Frame(frame))
                }
                None => self.ping.take().map(Message::Ping),
            };
            if let Some(next) = next {
                self.socket.start_send_unpin(next)?;
            }
        }
        if self.staged.capacity() > 0 {
            self.staged = VecDeque::new();
        }
        if self.unflushed {
            ready!(self.socket.poll_flush_unpin(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Ready when there was no progress at all for too long.
    fn poll_stall(&mut self, now: Waits, cx: &mut Context<'_>) -> Poll<End> {
        let patience = self.server.options.send_timeout;
        let (timer, since) = self
            .stall
            .get_or_insert_with(|| (Box::pin(sleep(patience)), now));
        if std::mem::discriminant(since) != std::mem::discriminant(&now) {
            *since = now;
            timer.as_mut().reset(Instant::now() + patience);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            if *since == now {
                return Poll::Ready(match now {
                    Waits::Socket(_) => End::Stalled,
                    Waits::Confirmation(_) => End::Unconfirmed,
                });
            }
            // Slow, but not stuck.
            *since = now;
            timer.as_mut().reset(Instant::now() + patience);
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        for _ in 0..TURN {
            if self.deaf {
                return Poll::Pending;
            }
            // After the server closed, input is read only to find the client's close frame.
            if self.connection.inbox.poll_room(cx).is_pending() {
                return Poll::Pending;
            }
            match ready!(self.socket.poll_next_unpin(cx)) {
                Some(Ok(message)) => {
                    self.connection.touch();
                    match message {
                        Message::Text(text) => self.connection.inbox.push(text.into()),
                        Message::Binary(bytes) => self.connection.inbox.push(bytes),
                        Message::Pong(payload) => self.pong(&payload),
                        Message::Close(_) => return Poll::Ready(End::ClosedByPeer),
                        Message::Ping(_) | Message::Frame(_) => {}
                    }
                }
                Some(Err(Error::Capacity(_))) => {
                    self.deaf = true;
                    self.server.limits.hit(Limit::MessageBytes);
                    let limit = self.server.options.max_websocket_message_bytes;
                    let error = format!(
                        "Connection closed with an error. The maximum WebSocket message size of \
                         {limit}B was exceeded."
                    );
                    self.connection.close(Some(error), true);
                }
                Some(Err(_)) | None => return Poll::Ready(End::Lost),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn pong(&mut self, payload: &[u8]) {
        let Some(mark) = probe::mark(payload) else {
            return;
        };
        // A client can make up a pong, but not one for what it was not asked about.
        if mark <= self.pinged {
            if mark == self.pinged
                && let Some(at) = self.pinged_at.take()
            {
                self.connection.set_round_trip(at.elapsed());
            }
            self.server.hub.evidence(self.connection, mark);
        }
    }
}
