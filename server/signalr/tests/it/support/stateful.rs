//! A client with stateful reconnect, and a socket that breaks where a test says.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use super::{Answer, Event, Site};

/// How long a client waits on a silent link.
const PATIENCE: Duration = Duration::from_millis(100);

/// Bytes that may still pass in each direction.
#[derive(Clone)]
pub(crate) struct Budget {
    pub(crate) down: Arc<AtomicUsize>,
    pub(crate) up: Arc<AtomicUsize>,
    /// A spent budget is a link that went silent, and not one that broke.
    pub(crate) silent: bool,
}

impl Budget {
    pub(crate) fn unlimited() -> Self {
        let most = || Arc::new(AtomicUsize::new(usize::MAX));
        Self {
            down: most(),
            up: most(),
            silent: false,
        }
    }

    pub(crate) fn set(&self, down: usize, up: usize) {
        self.down.store(down, Ordering::Relaxed);
        self.up.store(up, Ordering::Relaxed);
    }
}

/// Breaks when a budget is spent, or goes silent.
pub(crate) struct Cut {
    stream: DuplexStream,
    budget: Budget,
}

impl AsyncRead for Cut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.budget.down.load(Ordering::Relaxed);
        if left == 0 && self.budget.silent {
            return Poll::Pending;
        }
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let mut part = into.take(left.min(into.remaining()));
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        // The bytes are there already: `part` wrote into the same buffer.
        let filled = into.filled().len() + read;
        into.initialize_unfilled_to(read);
        into.set_filled(filled);
        self.budget.down.store(left - read, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Cut {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.budget.up.load(Ordering::Relaxed);
        if left == 0 && self.budget.silent {
            return Poll::Ready(Ok(bytes.len())); // as far as a kernel knows
        }
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let bytes = &bytes[..left.min(bytes.len())];
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.budget.up.store(left - written, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

pub(crate) struct Stateful {
    pub(crate) token: String,
    pub(crate) budget: Budget,
    /// `None` after a loss.
    pub(crate) socket: Option<WebSocketStream<Cut>>,
    /// Sent and not acked, with their numbers.
    pub(crate) unacked: VecDeque<(u64, String)>,
    next: u64,
    count: u64,
    pub(crate) handled: u64,
    wants_sequence: bool,
    unread: VecDeque<String>,
    /// Everything that came, the uncounted and the doubled too.
    pub(crate) all: Vec<String>,
}

impl Stateful {
    /// Negotiated, connected, and hands shaken with this version.
    pub(crate) async fn start(site: &mut Site, version: u32) -> Self {
        Self::start_over(site, version, Budget::unlimited()).await
    }

    pub(crate) async fn start_over(site: &mut Site, version: u32, budget: Budget) -> Self {
        let path = "/hub/negotiate?negotiateVersion=1&UseStatefulReconnect=true";
        let answer = site.request("POST", path, "").await;
        let answer: signalr::protocol::NegotiateResponse =
            serde_json::from_slice(&answer.body).unwrap();
        assert!(answer.use_stateful_reconnect);
        let mut client = Self {
            token: answer.connection_token.unwrap(),
            budget,
            socket: None,
            unacked: VecDeque::new(),
            next: 1,
            count: 0,
            handled: 0,
            wants_sequence: false,
            unread: VecDeque::new(),
            all: Vec::new(),
        };
        client.open(site).await.unwrap();
        let handshake = format!("{{\"protocol\":\"json\",\"version\":{version}}}\u{1e}");
        client.mention(&handshake).await;
        assert!(client.receive().await);
        assert_eq!(client.unread.pop_front().as_deref(), Some("{}"));
        assert_eq!(site.event().await, Event::Connected);
        client
    }

    /// A new socket in place of the old, which stays open as long as the caller keeps it.
    pub(crate) async fn open(
        &mut self,
        site: &Site,
    ) -> Result<Option<WebSocketStream<Cut>>, Answer> {
        let stream = Cut {
            stream: site.dial(1 << 16),
            budget: self.budget.clone(),
        };
        let path = format!("/hub?id={}", self.token);
        let socket = site.websocket_over(stream, &path).await?;
        Ok(self.socket.replace(socket))
    }

    /// As official clients do it: the same id, Sequence first, then what is not acked.
    pub(crate) async fn resume(&mut self, site: &Site) -> Result<(), Answer> {
        drop(self.open(site).await?);
        self.go_on().await;
        Ok(())
    }

    pub(crate) async fn go_on(&mut self) {
        self.wants_sequence = true;
        self.unread.clear();
        let first = self.unacked.front().map_or(self.next, |(id, _)| *id);
        self.mention(&format!("{{\"type\":9,\"sequenceId\":{first}}}\u{1e}"))
            .await;
        for (_, text) in self.unacked.clone() {
            self.mention(&text).await;
        }
    }

    /// Sends a message that counts.
    pub(crate) async fn say(&mut self, text: &str) {
        self.unacked.push_back((self.next, text.to_owned()));
        self.next += 1;
        self.mention(text).await;
    }

    /// Sends one that does not.
    pub(crate) async fn mention(&mut self, text: &str) {
        if let Some(socket) = &mut self.socket
            && socket.send(Message::text(text)).await.is_err()
        {
            self.socket = None;
        }
    }

    pub(crate) async fn ack(&mut self) {
        let handled = self.handled;
        self.mention(&format!("{{\"type\":8,\"sequenceId\":{handled}}}\u{1e}"))
            .await;
    }

    /// One frame; `false` at the end of the socket.
    pub(crate) async fn receive(&mut self) -> bool {
        let Some(socket) = &mut self.socket else {
            return false;
        };
        let mut next = Box::pin(socket.next());
        let next = if self.budget.silent {
            // It gives up, and the old socket stays as it is.
            let Ok(next) = tokio::time::timeout(PATIENCE, next.as_mut()).await else {
                return false;
            };
            next
        } else {
            next.as_mut().await
        };
        match next {
            Some(Ok(Message::Text(text))) => {
                assert!(text.ends_with('\u{1e}'), "whole messages");
                let whole = text.split_terminator('\u{1e}').map(str::to_owned);
                self.unread.extend(whole);
                true
            }
            Some(Ok(Message::Ping(_))) => true,
            _ => {
                self.socket = None;
                false
            }
        }
    }

    /// The next message that counts and is new; `None` at the end of the socket.
    pub(crate) async fn hear(&mut self) -> Option<String> {
        loop {
            while let Some(text) = self.unread.pop_front() {
                self.all.push(text.clone());
                let fields: serde_json::Value = serde_json::from_str(&text).unwrap();
                let number = || fields["sequenceId"].as_u64().unwrap();
                match fields["type"].as_u64().unwrap() {
                    9 => {
                        assert!((1..=self.count + 1).contains(&number()), "{text}");
                        self.count = number() - 1;
                        self.wants_sequence = false;
                    }
                    8 => self.unacked.retain(|(id, _)| *id > number()),
                    1..=5 if !self.wants_sequence => {
                        self.count += 1;
                        if self.count > self.handled {
                            self.handled = self.count;
                            return Some(text);
                        }
                    }
                    _ => {}
                }
            }
            if !self.receive().await {
                return None;
            }
        }
    }
}
