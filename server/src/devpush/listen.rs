//! The accept loop: counts connections, and cuts them as a script wants.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::state::State;
use crate::support::lifecycle::Lifecycle;

/// Pause after the system refused a connection: it is out of descriptors.
const REFUSED: Duration = Duration::from_millis(100);

/// So long may what is under way take, once a connection goes away: some never say what they want.
const GOODBYE: Duration = Duration::from_secs(2);

/// The connection of a request, among its extensions.
#[derive(Clone, Debug, Default)]
pub struct Wire {
    /// Cancelled: the connection is cut, unanswered requests and all.
    pub cut: CancellationToken,
    /// Cancelled: it closes in good order, by GOAWAY in HTTP/2, once what is under way is answered.
    pub away: CancellationToken,
}

pub(super) async fn listen(
    listener: TcpListener,
    router: Router,
    life: Lifecycle,
    state: Arc<State>,
) {
    let stopping = life.stopping();
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(REFUSED).await;
            continue;
        };
        state.connected();
        let wire = Wire {
            cut: CancellationToken::new(),
            away: stopping.child_token(),
        };
        let task = connection(stream, router.clone(), wire);
        life.spawn("stand-in connection", task);
    }
}

async fn connection(stream: TcpStream, router: Router, wire: Wire) {
    let _ = stream.set_nodelay(true);
    let Wire { cut, away } = wire.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(wire.clone());
        let router = router.clone();
        async move { Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(never)) }
    });
    let builder = Builder::new(TokioExecutor::new());
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = serving.as_mut() => return,
        () = cut.cancelled() => return,
        () = away.cancelled() => serving.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = serving => {}
        () = cut.cancelled() => {}
        () = tokio::time::sleep(GOODBYE) => {}
    }
}

fn never<T>(nothing: Infallible) -> T {
    match nothing {}
}
