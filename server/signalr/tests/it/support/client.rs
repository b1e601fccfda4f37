//! A client that has shaken hands, the same to a test whatever carries it.

use std::collections::VecDeque;

use axum::body::BodyDataStream;
use futures_util::{SinkExt, StreamExt};
use signalr::{Hub, protocol::TransportKind};
use tokio_tungstenite::tungstenite::Message;

use super::{Event, HANDSHAKE, Site, Socket, User};

pub(crate) enum Wire {
    Socket(Box<Socket>),
    Events(BodyDataStream),
    Polls,
}

pub(crate) struct Client {
    pub(crate) wire: Wire,
    pub(crate) token: String,
    received: VecDeque<String>,
    /// The start of an event.
    unread: String,
}

impl Client {
    /// Connected, hands shaken, and seen by the hub.
    pub(crate) async fn connect(site: &mut Site, kind: TransportKind) -> Self {
        let mut client = Self::connect_to(site, kind, "").await;
        client.send(site, HANDSHAKE).await;
        assert_eq!(client.next(site).await, "{}");
        assert_eq!(
            site.event_like(|event| *event != Event::SeenAgain).await,
            Event::Connected
        );
        client
    }

    /// Connected to any hub, hands shaken.
    pub(crate) async fn join(site: &Site<impl Hub<Principal = User>>, kind: TransportKind) -> Self {
        let mut client = Self::connect_to(site, kind, "").await;
        client.send(site, HANDSHAKE).await;
        assert_eq!(client.next(site).await, "{}");
        client
    }

    /// Connected and silent. `query` begins with `&` if it is not empty.
    pub(crate) async fn connect_to(
        site: &Site<impl Hub<Principal = User>>,
        kind: TransportKind,
        query: &str,
    ) -> Self {
        let token = site.token().await;
        let path = format!("/hub?id={token}{query}");
        let wire = match kind {
            TransportKind::WebSockets => {
                Wire::Socket(Box::new(site.websocket(&path).await.unwrap()))
            }
            TransportKind::ServerSentEvents => {
                let mut stream = site
                    .events(&format!("{token}{query}"))
                    .await
                    .into_body()
                    .into_data_stream();
                assert_eq!(super::piece(&mut stream).await, ":\r\n");
                Wire::Events(stream)
            }
            TransportKind::LongPolling => {
                let first = site.request("GET", &path, "").await;
                assert_eq!((first.status.as_u16(), first.text()), (200, ""));
                Wire::Polls
            }
        };
        Self {
            wire,
            token,
            received: VecDeque::new(),
            unread: String::new(),
        }
    }

    /// On a socket that the test has opened itself; the handshake is still to come.
    pub(crate) fn over(socket: Socket, token: String) -> Self {
        Self {
            wire: Wire::Socket(Box::new(socket)),
            token,
            received: VecDeque::new(),
            unread: String::new(),
        }
    }

    pub(crate) fn path(&self) -> String {
        format!("/hub?id={}", self.token)
    }

    pub(crate) async fn send(&mut self, site: &Site<impl Hub<Principal = User>>, text: &str) {
        match &mut self.wire {
            Wire::Socket(socket) => socket.send(Message::text(text)).await.unwrap(),
            Wire::Events(_) | Wire::Polls => {
                let answer = site.request("POST", &self.path(), text.to_owned()).await;
                assert_eq!((answer.status.as_u16(), answer.text()), (200, ""));
            }
        }
    }

    /// The next message without its separator; `None` at the end of the connection.
    pub(crate) async fn try_next(
        &mut self,
        site: &Site<impl Hub<Principal = User>>,
    ) -> Option<String> {
        loop {
            if let Some(message) = self.received.pop_front() {
                return Some(message);
            }
            let text = match &mut self.wire {
                Wire::Socket(socket) => match socket.next().await?.unwrap() {
                    Message::Text(text) => text.to_string(),
                    Message::Close(_) => return None,
                    _ => continue,
                },
                Wire::Events(stream) => {
                    // Pieces end anywhere, events at an empty line.
                    while !self.unread.ends_with("\r\n\r\n") {
                        let piece = stream.next().await?.unwrap();
                        self.unread.push_str(std::str::from_utf8(&piece).unwrap());
                    }
                    let text = std::mem::take(&mut self.unread);
                    text.lines()
                        .filter_map(|line| line.strip_prefix("data: "))
                        .collect()
                }
                Wire::Polls => {
                    let answer = site
                        .request("GET", &format!("/hub?id={}", self.token), "")
                        .await;
                    if answer.status == 204 {
                        return None;
                    }
                    assert_eq!(answer.status, 200);
                    answer.text().to_owned()
                }
            };
            let whole = text.split_terminator('\u{1e}').map(str::to_owned);
            self.received.extend(whole);
        }
    }

    pub(crate) async fn next(&mut self, site: &Site<impl Hub<Principal = User>>) -> String {
        self.try_next(site).await.expect("the connection ended")
    }

    /// The next message that is no ping.
    pub(crate) async fn next_said(&mut self, site: &Site<impl Hub<Principal = User>>) -> String {
        loop {
            let message = self.next(site).await;
            if message != "{\"type\":6}" {
                return message;
            }
        }
    }

    pub(crate) fn socket(&mut self) -> &mut Socket {
        match &mut self.wire {
            Wire::Socket(socket) => socket,
            _ => panic!("not a WebSocket"),
        }
    }
}

/// For suites that hold on every transport.
pub(crate) const ALL: [TransportKind; 3] = [
    TransportKind::WebSockets,
    TransportKind::ServerSentEvents,
    TransportKind::LongPolling,
];
