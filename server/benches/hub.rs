//! The smallest client of the hub: SignalR's JSON protocol over a WebSocket, negotiation skipped.
//! It answers pings as every WebSocket client does, and acknowledges nothing by itself.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Ends every message of the protocol.
const END: char = '\u{1e}';

pub(crate) struct Hub(WebSocketStream<TcpStream>);

impl Hub {
    /// Connects and shakes hands. `path` begins with a slash and carries the token.
    pub(crate) async fn open(address: SocketAddr, path: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .context("no more connections")?;
        stream.set_nodelay(true)?;
        // Ours, not the server's: thousands of them live in this one process.
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(1024);
        let url = format!("ws://{address}{path}");
        let (mut socket, _) = client_async_with_config(url, stream, Some(config))
            .await
            .context("the upgrade was refused")?;
        let hello = format!("{{\"protocol\":\"json\",\"version\":1}}{END}");
        socket.send(Message::text(hello)).await?;
        let mut hub = Self(socket);
        let first = hub.text().await?;
        // The greeting may be in the same frame.
        if first.split(END).next() != Some("{}") {
            bail!("the handshake was refused: {first}");
        }
        Ok(hub)
    }

    /// The next frame with messages in it.
    pub(crate) async fn text(&mut self) -> Result<Utf8Bytes> {
        loop {
            match self.0.next().await.context("the server hung up")?? {
                Message::Text(text) => return Ok(text),
                Message::Close(_) => bail!("the server closed the connection"),
                _ => {} // pings are answered when the socket is polled again
            }
        }
    }

    /// The next frame that carries a message for `target`; others are passed over.
    pub(crate) async fn invoked(&mut self, target: &str) -> Result<Utf8Bytes> {
        loop {
            let text = self.text().await?;
            if text.contains(target) {
                return Ok(text);
            }
        }
    }

    /// Calls a method so many times without waiting in between, then waits for all completions. `arguments`: JSON
    /// of each call's list.
    pub(crate) async fn calls(&mut self, target: &str, arguments: &[String]) -> Result<()> {
        for (id, arguments) in arguments.iter().enumerate() {
            let call = format!(
                "{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"{target}\",\"arguments\":{arguments}}}{END}"
            );
            self.0.feed(Message::text(call)).await?;
        }
        self.0.flush().await?;
        let mut left = arguments.len();
        while left > 0 {
            let text = self.text().await?;
            for message in messages(&text).filter(|message| message.starts_with("{\"type\":3")) {
                if message.contains("\"error\"") {
                    bail!("{target} was answered {message}");
                }
                left = left.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// Calls a method and leaves its completion to who reads next.
    pub(crate) async fn call(&mut self, target: &str, arguments: &str) -> Result<()> {
        let call = format!(
            "{{\"type\":1,\"invocationId\":\"c\",\"target\":\"{target}\",\"arguments\":{arguments}}}{END}"
        );
        Ok(self.0.send(Message::text(call)).await?)
    }

    /// Reads until the end, so that pings are answered.
    pub(crate) async fn idle(mut self) {
        while self.text().await.is_ok() {}
    }
}

/// Connects to all paths, so many handshakes at once; each connection then is a task of its own. They end with the
/// set.
pub(crate) async fn open_all<F>(
    address: SocketAddr,
    paths: &[String],
    at_once: usize,
    mut then: impl FnMut(usize, Hub) -> F,
) -> Result<JoinSet<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut devices = JoinSet::new();
    let mut opening: JoinSet<Result<(usize, Hub)>> = JoinSet::new();
    for (number, path) in paths.iter().enumerate() {
        if opening.len() >= at_once
            && let Some(opened) = opening.join_next().await
        {
            let (number, hub) = opened??;
            devices.spawn(then(number, hub));
        }
        let path = path.clone();
        opening.spawn(async move { Ok((number, Hub::open(address, &path).await?)) });
    }
    while let Some(opened) = opening.join_next().await {
        let (number, hub) = opened??;
        devices.spawn(then(number, hub));
    }
    Ok(devices)
}

/// The number that [`crate::product::publication`] put into its data, wherever the server put that.
pub(crate) fn mark(message: &str) -> Result<usize> {
    let (_, rest) = message
        .split_once("\"mark\":")
        .context("a message without a mark")?;
    let rest = rest.trim_start(); // what was jsonb has a space after each colon
    let end = rest.find(|letter: char| !letter.is_ascii_digit());
    Ok(rest[..end.unwrap_or(rest.len())].parse()?)
}

/// The messages of a frame.
pub(crate) fn messages(frame: &str) -> impl Iterator<Item = &str> {
    frame.split(END).filter(|message| !message.is_empty())
}
