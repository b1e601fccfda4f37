//! The smallest honest client of the hub: SignalR's JSON protocol over a WebSocket, negotiation skipped.
//!
//! The upgrade goes through the HTTP client, so TLS, its roots and a proxy are what they are for every other
//! request. Facts of the protocol: the hub protocol's specification in dotnet/aspnetcore
//! (`src/SignalR/docs/specs/HubProtocol.md`), and RFC 6455 for the upgrade.

use std::collections::VecDeque;
use std::fmt;

use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::Upgraded;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// Ends every message of the protocol.
const END: char = '\u{1e}';
/// Largest message that is taken; an item has at most some 270 KiB.
const MOST: usize = 1 << 20;

/// An open connection, past its handshake.
pub struct Hub {
    socket: WebSocketStream<Upgraded>,
    /// Read, and not asked for yet.
    waiting: VecDeque<Said>,
    calls: u64,
}

/// What the server said.
#[derive(Debug, PartialEq)]
pub enum Said {
    /// It calls the client's method; `argument` is the first one.
    Invocation { target: String, argument: Value },
    /// What became of the client's call of this number.
    Completion { call: u64, error: Option<String> },
    /// It is there.
    Ping,
    /// It ends the connection.
    Close { error: String },
}

/// Why there is no connection (any more), in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone(pub String);

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Gone {
    pub(super) fn because(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// As it stands on the wire; what this client does not know is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default)]
    target: String,
    #[serde(default)]
    arguments: Vec<Value>,
    #[serde(default)]
    invocation_id: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

impl Hub {
    /// Connects and shakes hands. `wire` must speak HTTP/1.1 only and set no timeout on whole answers; `url` is the
    /// hub's, with its parameters; the token travels in a header, so that no log of a proxy holds it.
    pub async fn open(wire: &reqwest::Client, url: &str, token: &str) -> Result<Self, Gone> {
        let key = generate_key();
        let answer = wire
            .get(url)
            .bearer_auth(token)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key)
            .send()
            .await
            .map_err(|error| Gone::because(root(&error)))?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            let status = answer.status();
            let said = answer.text().await.unwrap_or_default();
            return Err(Gone(format!("refused with {status}: {}", short(&said))));
        }
        let proof = answer.headers().get(SEC_WEBSOCKET_ACCEPT);
        if proof
            .is_none_or(|proof| proof.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes())
        {
            return Err(Gone("what answers there is no WebSocket server".into()));
        }
        let upgraded = answer.upgrade().await.map_err(Gone::because)?;
        // Ours are many in one process; the defaults are 128 KiB each.
        let config = WebSocketConfig::default()
            .read_buffer_size(8 * 1024)
            .write_buffer_size(1024)
            .max_message_size(Some(MOST));
        let socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
        let mut hub = Self {
            socket,
            waiting: VecDeque::new(),
            calls: 0,
        };
        hub.send(&json!({"protocol": "json", "version": 1})).await?;
        hub.shake().await?;
        Ok(hub)
    }

    /// The answer to the handshake; more may be in the same frame.
    async fn shake(&mut self) -> Result<(), Gone> {
        let text = self.text().await?;
        let (first, rest) = text.split_once(END).unwrap_or((&text, ""));
        if first != "{}" {
            return Err(Gone(format!("the handshake was refused: {}", short(first))));
        }
        self.read(rest);
        Ok(())
    }

    /// What the server said next. May be dropped while it waits: nothing is lost by it.
    pub async fn next(&mut self) -> Result<Said, Gone> {
        loop {
            if let Some(said) = self.waiting.pop_front() {
                return Ok(said);
            }
            let text = self.text().await?;
            self.read(&text);
        }
    }

    /// Calls a method of the server; the number under which its answer comes.
    pub async fn call(&mut self, target: &str, arguments: &Value) -> Result<u64, Gone> {
        self.calls += 1;
        let call = json!({"type": 1, "invocationId": self.calls.to_string(), "target": target,
                          "arguments": arguments});
        self.send(&call).await?;
        Ok(self.calls)
    }

    /// Says that this end lives; whoever has pinged once must go on, at least every 30 s.
    pub async fn ping(&mut self) -> Result<(), Gone> {
        self.send(&json!({"type": 6})).await
    }

    async fn send(&mut self, message: &Value) -> Result<(), Gone> {
        let sent = self
            .socket
            .send(Message::text(format!("{message}{END}")))
            .await;
        sent.map_err(Gone::because)
    }

    /// The next frame of text; pings of the socket are answered when it is polled again.
    async fn text(&mut self) -> Result<String, Gone> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(_))) | None => {
                    return Err(Gone("the socket was closed".into()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Gone::because(error)),
            }
        }
    }

    fn read(&mut self, frame: &str) {
        self.waiting.extend(messages(frame));
    }
}

/// The messages of a frame that this client knows.
fn messages(frame: &str) -> impl Iterator<Item = Said> {
    frame
        .split(END)
        .filter(|text| !text.is_empty())
        .filter_map(|text| serde_json::from_str::<Wire>(text).ok())
        .filter_map(said)
}

fn said(wire: Wire) -> Option<Said> {
    match wire.kind {
        1 => Some(Said::Invocation {
            target: wire.target,
            argument: wire.arguments.into_iter().next().unwrap_or_default(),
        }),
        3 => Some(Said::Completion {
            call: wire.invocation_id?.parse().ok()?,
            error: wire.error,
        }),
        6 => Some(Said::Ping),
        7 => Some(Said::Close {
            error: wire.error.unwrap_or_default(),
        }),
        _ => None,
    }
}

/// The innermost cause: "Connection refused" says more than "error sending request".
pub(super) fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// Enough of an answer to know it by.
pub(super) fn short(text: &str) -> String {
    let mut short: String = text.chars().take(200).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_several_messages_is_read_and_what_is_unknown_passed_over() {
        let frame = "{\"type\":6}\u{1e}{\"type\":1,\"target\":\"K\",\"arguments\":[{\"seq\":4}]}\u{1e}\
                     {\"type\":2,\"invocationId\":\"9\",\"item\":1}\u{1e}not json\u{1e}\
                     {\"type\":3,\"invocationId\":\"7\",\"result\":1}\u{1e}\
                     {\"type\":3,\"invocationId\":\"8\",\"error\":\"no\"}\u{1e}{\"type\":7}\u{1e}";
        let argument = json!({"seq": 4});
        assert_eq!(
            messages(frame).collect::<Vec<_>>(),
            [
                Said::Ping,
                Said::Invocation {
                    target: "K".into(),
                    argument
                },
                Said::Completion {
                    call: 7,
                    error: None
                },
                Said::Completion {
                    call: 8,
                    error: Some("no".into())
                },
                Said::Close {
                    error: String::new()
                },
            ]
        );
    }
}
