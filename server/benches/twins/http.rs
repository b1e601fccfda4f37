//! Bare axum: a POST with a JSON body that may go to a socket, a socket, a static page. A process of
//! its own (this program again), on as many threads as the product. No storage, no checks.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use axum::extract::{Path, Query, State, WebSocketUpgrade};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Messages that may wait for one socket.
const WAITING: usize = 64;

/// The twin's process; killed when dropped.
pub(crate) struct Twin {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Twin {
    pub(crate) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--twin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let said = child.stdout.take().context("the twin says nothing")?;
        BufReader::new(said).read_line(&mut line)?;
        Ok(Self {
            address: line.trim().parse().context("the twin's address")?,
            child,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Sockets = Arc<Mutex<HashMap<String, mpsc::Sender<Utf8Bytes>>>>;

/// Serves until standard input ends: it does not outlive whoever started it.
#[tokio::main]
pub(crate) async fn main() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?);
    let router = Router::new()
        .route("/publish", post(publish))
        .route("/socket/{user}", get(socket))
        .route("/page/{bytes}", get(page))
        .with_state(Sockets::default());
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let parent = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        served = axum::serve(listener, router).into_future() => Ok(served?),
        _ = parent => Ok(()),
    }
}

async fn publish(State(sockets): State<Sockets>, Json(body): Json<Value>) -> Json<Value> {
    let user = body["audience"]["users"][0].as_str().unwrap_or_default();
    let socket = {
        let sockets = sockets.lock().unwrap_or_else(PoisonError::into_inner);
        sockets.get(user).cloned()
    };
    if let Some(socket) = socket {
        let message = json!({"type": 1, "target": body["kind"], "arguments": [body]});
        // A full queue loses it, which the caller counts.
        let _ = socket.try_send(format!("{message}\u{1e}").into());
    }
    Json(json!({"id": body["data"]["mark"], "recipients": 1, "duplicate": false}))
}

#[derive(Deserialize)]
struct Buffers {
    /// Bytes of the read buffer; axum's default is 128 KiB.
    read: Option<usize>,
}

async fn socket(
    State(sockets): State<Sockets>,
    Path(user): Path<String>,
    Query(buffers): Query<Buffers>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade = match buffers.read {
        Some(bytes) => upgrade.read_buffer_size(bytes),
        None => upgrade,
    };
    upgrade.on_upgrade(async move |socket| talk(socket, user, sockets).await)
}

async fn talk(mut socket: WebSocket, user: String, sockets: Sockets) {
    let (sender, mut waiting) = mpsc::channel(WAITING);
    if socket.recv().await.is_none() || socket.send(Message::text("{}\u{1e}")).await.is_err() {
        return;
    }
    sockets
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(user, sender);
    loop {
        let sent = tokio::select! {
            message = waiting.recv() => match message {
                Some(text) => socket.send(Message::Text(text)).await,
                None => return,
            },
            received = socket.recv() => match received {
                Some(Ok(_)) => Ok(()),
                _ => return,
            },
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn page(Path(bytes): Path<usize>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/html; charset=utf-8")],
        "x".repeat(bytes.min(1 << 20)),
    )
}
