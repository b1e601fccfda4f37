//! What is measured, and its bare twin: the same paths, so that the same client drives both.
//!
//! | path | the hub | the twin |
//! |---|---|---|
//! | `/hub` | the hub | answers each frame with itself |
//! | `/crowd` | the hub | as above, but a frame with `Shout` in it is answered by a frame to all |
//! | `/checked/hub` | the hub behind [`check`](crate::check) | an echo behind the same |
//! | each with `/negotiate` | negotiate | a constant of the same length |

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use axum::extract::{Query, Request, State, WebSocketUpgrade};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use signalr::{Clients, HubOptions, HubServer, Identity, Methods, SendError};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::check;

/// Frames that may wait for one socket of the twin.
const WAITING: usize = 64;
/// What a shout brings to everybody: a message of 200 bytes with this in it.
const SHOUTED: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
                       0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
                       0123456789abcdef0123456";

/// Who connects. A user of its own type, as hosts have it.
#[derive(Debug, Clone)]
pub(crate) struct User(pub(crate) Arc<str>);

impl Identity for User {
    fn is_same(&self, later: &Self) -> bool {
        self.0 == later.0
    }
}

/// The hub with the official server's defaults.
pub(crate) fn hub() -> (Router, Clients<User>) {
    let methods: Methods<User> = Methods::new()
        .on("Echo", |text: String| async move { text })
        .on("Shout", |all: Clients<User>| async move { shout(&all) });
    let (tracker, stopping) = (TaskTracker::new(), CancellationToken::new());
    let server = HubServer::new(methods, HubOptions::default(), tracker, stopping);
    let open = Router::new()
        .nest("/hub", server.router())
        .nest("/crowd", server.router())
        .layer(from_fn(anybody));
    let checked = Router::new()
        .nest("/checked/hub", server.router())
        .layer(from_fn(check::check));
    (open.merge(checked), server.clients())
}

/// To all that are connected, as many as they are.
pub(crate) fn shout(all: &Clients<User>) -> Result<usize, signalr::HubError> {
    let sent = all.all().send("Shouted", (SHOUTED,));
    sent.map(|delivery| delivery.queued)
        .map_err(|error: SendError| signalr::HubError::new(error.to_string()))
}

async fn anybody(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(User("anybody".into()));
    next.run(request).await
}

type Crowd = Arc<Mutex<Vec<mpsc::Sender<Utf8Bytes>>>>;

/// Bare axum.
pub(crate) fn twin() -> (Router, impl Fn() + Clone) {
    let crowd = Crowd::default();
    let everybody = crowd.clone();
    let checked = Router::new()
        .route("/checked/hub/negotiate", post(negotiate))
        .route("/checked/hub", get(echo))
        .layer(from_fn(check::check));
    let router = Router::new()
        .route("/hub/negotiate", post(negotiate))
        .route("/hub", get(echo))
        .route("/crowd/negotiate", post(negotiate))
        .route("/crowd", get(join))
        .with_state(crowd)
        .merge(checked);
    (router, move || tell(&everybody))
}

/// As the hub answers, with the same ids for everybody.
async fn negotiate() -> Json<Value> {
    Json(json!({
        "negotiateVersion": 1, "connectionId": "AAAAAAAAAAAAAAAAAAAAAA",
        "connectionToken": "AAAAAAAAAAAAAAAAAAAAAA", "availableTransports": [
            {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]},
            {"transport": "ServerSentEvents", "transferFormats": ["Text"]},
            {"transport": "LongPolling", "transferFormats": ["Text", "Binary"]},
        ],
    }))
}

#[derive(Deserialize)]
struct Buffers {
    /// Bytes of the read buffer; axum's default is 128 KiB.
    read: Option<usize>,
}

impl Buffers {
    fn of(&self, upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
        match self.read {
            Some(bytes) => upgrade.read_buffer_size(bytes),
            None => upgrade,
        }
    }
}

async fn echo(Query(buffers): Query<Buffers>, upgrade: WebSocketUpgrade) -> Response {
    buffers.of(upgrade).on_upgrade(|mut socket| async move {
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                return;
            }
        }
    })
}

async fn join(
    State(crowd): State<Crowd>,
    Query(buffers): Query<Buffers>,
    upgrade: WebSocketUpgrade,
) -> Response {
    buffers
        .of(upgrade)
        .on_upgrade(|socket| async move { talk(socket, crowd).await })
}

async fn talk(mut socket: WebSocket, crowd: Crowd) {
    let (sender, mut waiting) = mpsc::channel(WAITING);
    crowd
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(sender);
    loop {
        let sent = tokio::select! {
            message = waiting.recv() => match message {
                Some(text) => socket.send(Message::Text(text)).await,
                None => return,
            },
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) if text.contains("Shout") => {
                    tell(&crowd);
                    Ok(())
                }
                Some(Ok(message)) => socket.send(message).await,
                _ => return,
            },
        };
        if sent.is_err() {
            return;
        }
    }
}

/// The bytes are shared by all; a full queue loses them, which the client notices.
fn tell(crowd: &Crowd) {
    let message = json!({"type": 1, "target": "Shouted", "arguments": [SHOUTED]});
    let text = Utf8Bytes::from(format!("{message}\u{1e}"));
    for sender in &*crowd.lock().unwrap_or_else(PoisonError::into_inner) {
        let _ = sender.try_send(text.clone());
    }
}
