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
    pub(super) staged: VecDeque<Message>,
    /// The socket holds bytes that may not be on their way.
    pub(super) unflushed: bool,
    /// Nothing more can be read.
    deaf: bool,
    /// What the newest ping asked about; a pong cannot prove more.
    pinged: WriteMark,
    /// When, until its pong has come.
    pinged_at: Option<Instant>,
    /// Runs while a write waits for the client; with what was written when it began.
    stall: Option<(Pin<Box<Sleep>>, u64)>,
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
        if end == End::Stalled {
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
                Poll::Pending => return self.poll_stall(cx),
                Poll::Ready(Err(Error::WriteBufferFull(_))) => {
                    return Poll::Ready(End::Unsendable);
                }
                Poll::Ready(Err(_)) => return Poll::Ready(End::Lost),
                Poll::Ready(Ok(())) => self.stall = None,
            }
            let Some(batch) = ready!(self.connection.poll_take(cx)) else {
                return Poll::Ready(End::Finished);
            };
            let format = match self.connection.transfer_format() {
                TransferFormat::Text => Data::Text,
                TransferFormat::Binary => Data::Binary,
            };
            // One frame each: whole messages, and no copy to join them.
            self.staged
                .extend(batch.messages.into_iter().map(|message| {
                    Message::Frame(Frame::message(message, OpCode::Data(format), true))
                }));
            if batch.probe {
                self.pinged = batch.mark;
                self.pinged_at = Some(Instant::now());
                let payload = probe::payload(batch.mark);
                self.staged.push_back(Message::Ping(payload));
            }
            if batch.writable {
                self.server.hub.writable(self.connection);
            }
        }
    }

    /// Gives the socket what is staged and flushes it.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.staged.is_empty() {
            ready!(self.socket.poll_ready_unpin(cx))?;
            self.unflushed = true;
            if let Some(message) = self.staged.pop_front() {
                self.socket.start_send_unpin(message)?;
            }
        }
        self.staged = VecDeque::new();
        if self.unflushed {
            ready!(self.socket.poll_flush_unpin(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Ready when nothing at all was written for too long.
    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let patience = self.server.options.send_timeout;
        let written = self.socket.get_ref().written();
        let (stall, since) = self
            .stall
            .get_or_insert_with(|| (Box::pin(sleep(patience)), written));
        loop {
            ready!(stall.as_mut().poll(cx));
            if *since == written {
                return Poll::Ready(End::Stalled);
            }
            // Slow, but not stuck.
            *since = written;
            stall.as_mut().reset(Instant::now() + patience);
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
