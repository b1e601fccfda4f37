//! A server on in-memory sockets, which obey the paused clock.

use std::sync::Arc;

use axum::{Router, body::Body, extract::Request, middleware::Next};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use signalr::{Admission, Connection, Hub, HubOptions, HubServer, protocol::NegotiateResponse};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    sync::mpsc,
};
use tokio_tungstenite::{WebSocketStream, tungstenite};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Event, TestHub, User};

pub(crate) type Socket = WebSocketStream<DuplexStream>;

pub(crate) struct Site<H: Hub<Principal = User> = TestHub> {
    pub(crate) server: HubServer<H>,
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) tracker: TaskTracker,
    pub(crate) stopping: CancellationToken,
    pub(crate) app: Router,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(HubOptions::default())
    }

    pub(crate) fn with(options: HubOptions) -> Self {
        Self::admitting(options, Everybody)
    }

    pub(crate) fn admitting(options: HubOptions, admission: impl Admission<User>) -> Self {
        let (hub, events) = TestHub::new();
        Self::of(hub, events, options, admission)
    }
}

impl<H: Hub<Principal = User>> Site<H> {
    /// A hub that tells no events.
    pub(crate) fn serving(hub: H, options: HubOptions) -> Self {
        Self::of(hub, mpsc::channel(1).1, options, Everybody)
    }

    fn of(
        hub: H,
        events: mpsc::Receiver<Event>,
        options: HubOptions,
        admission: impl Admission<User>,
    ) -> Self {
        let (tracker, stopping) = (TaskTracker::new(), CancellationToken::new());
        let server = HubServer::new(hub, options, tracker.clone(), stopping.clone())
            .with_admission(admission);
        let app = Router::new()
            .nest("/hub", server.router())
            .layer(axum::middleware::from_fn(identify));
        Self {
            server,
            events,
            tracker,
            stopping,
            app,
        }
    }

    /// A new socket with the server at its other end.
    pub(crate) fn dial(&self, buffer: usize) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(buffer);
        let service = TowerToHyperService::new(self.app.clone());
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(theirs), service)
            .with_upgrades();
        self.tracker.spawn(async move { drop(connection.await) });
        ours
    }

    /// Sends a request on a socket of its own; the body is read by the caller.
    pub(crate) async fn open(&self, request: http::Request<Body>) -> http::Response<Body> {
        let io = TokioIo::new(self.dial(1 << 20));
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        self.tracker.spawn(async move { drop(connection.await) });
        sender.send_request(request).await.unwrap().map(Body::new)
    }

    /// A request by user `ann`, answered whole.
    pub(crate) async fn request(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        self.request_as("ann", method, path, body).await
    }

    /// An empty user is nobody.
    pub(crate) async fn request_as(
        &self,
        user: &str,
        method: &str,
        path: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let request = request(user, method, path).body(body.into()).unwrap();
        let (head, body) = self.open(request).await.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    pub(crate) async fn negotiate(&self) -> NegotiateResponse {
        let answer = self
            .request("POST", "/hub/negotiate?negotiateVersion=1", "")
            .await;
        assert_eq!(answer.status, 200);
        serde_json::from_slice(&answer.body).unwrap()
    }

    pub(crate) async fn token(&self) -> String {
        self.negotiate().await.connection_token.unwrap()
    }

    /// Opens the event stream of a token.
    pub(crate) async fn events(&self, token: &str) -> http::Response<Body> {
        let request = request("ann", "GET", &format!("/hub?id={token}"));
        let request = request
            .header("accept", "text/event-stream")
            .body(Body::empty());
        self.open(request.unwrap()).await
    }

    /// The status is that of the refusal.
    pub(crate) async fn websocket(&self, path: &str) -> Result<Socket, Answer> {
        self.websocket_on(self.dial(1 << 20), path).await
    }

    pub(crate) async fn websocket_on(
        &self,
        io: DuplexStream,
        path: &str,
    ) -> Result<Socket, Answer> {
        self.websocket_over(io, path).await
    }

    pub(crate) async fn websocket_over<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: S,
        path: &str,
    ) -> Result<WebSocketStream<S>, Answer> {
        use tungstenite::client::IntoClientRequest;
        let mut request = format!("ws://test{path}").into_client_request().unwrap();
        request
            .headers_mut()
            .insert("x-user", "ann".parse().unwrap());
        match tokio_tungstenite::client_async(request, io).await {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::Error::Http(response)) => {
                let (head, body) = response.into_parts();
                let body = body.unwrap_or_default().into();
                Err(Answer {
                    status: head.status,
                    headers: head.headers,
                    body,
                })
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// The next event of the hub.
    pub(crate) async fn event(&mut self) -> Event {
        self.events.recv().await.unwrap()
    }

    /// The next event of one kind; others are skipped.
    pub(crate) async fn event_like(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.event().await;
            if wanted(&event) {
                return event;
            }
        }
    }

    pub(crate) async fn disconnected(&mut self) -> Option<String> {
        match self
            .event_like(|event| matches!(event, Event::Disconnected(_)))
            .await
        {
            Event::Disconnected(reason) => reason,
            _ => unreachable!(),
        }
    }

    /// The one connection there is.
    pub(crate) fn only(&self) -> Arc<Connection<User>> {
        let mut all = self.server.connections();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }
}

/// The crate's own defaults.
struct Everybody;

impl Admission<User> for Everybody {}

/// Lets other tasks run until they all wait.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn request(user: &str, method: &str, path: &str) -> http::request::Builder {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "test");
    if user.is_empty() {
        request
    } else {
        request.header("x-user", user)
    }
}

/// The host's authentication.
pub(crate) async fn identify(mut request: Request, next: Next) -> axum::response::Response {
    let user = request
        .headers()
        .get("x-user")
        .and_then(|user| user.to_str().ok());
    if let Some(user) = user.map(|user| User(user.to_owned())) {
        request.extensions_mut().insert(user);
    }
    next.run(request).await
}

/// The next piece of a streamed body.
pub(crate) async fn piece(
    stream: &mut (impl StreamExt<Item = Result<Bytes, axum::Error>> + Unpin),
) -> String {
    let piece = stream.next().await.unwrap().unwrap();
    String::from_utf8(piece.to_vec()).unwrap()
}
