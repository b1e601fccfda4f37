//! The accept loop: every connection is a tracked task with a limit on its number and its patience.
//!
//! Our own rather than `axum::serve`, which gives hyper no timer, so that a client which never sends
//! its headers would be waited for for ever. HTTP/1 and HTTP/2 (by prior knowledge; behind a proxy
//! by ALPN), WebSocket over both.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::{Request, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tower::Service;

use crate::support::lifecycle::Lifecycle;

/// A client has so long to say what it wants: from its connection, and from its last answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// HTTP/2 clients that answer no ping are gone.
const PING: Duration = Duration::from_secs(20);
/// Pause after the system refused a connection (it is out of descriptors): they come back one by one.
const REFUSED: Duration = Duration::from_millis(100);
/// What an HTTP/2 client with prior knowledge says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves `router` until the process stops. Connections in work are finished, idle ones closed.
pub async fn accept(listener: TcpListener, router: Router, life: Lifecycle, most: usize) {
    let stopping = life.stopping();
    let permits = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
    loop {
        // Taken before the connection is accepted: over the limit, clients wait in the system's queue.
        let permit = tokio::select! {
            () = stopping.cancelled() => return,
            permit = permits.clone().acquire_owned() => permit,
        };
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let task = connection(stream, peer, router.clone(), life.clone());
                life.spawn("connection", async move {
                    if let Err(error) = task.await {
                        tracing::debug!(%peer, "connection ended: {error}");
                    }
                    drop(permit);
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!("cannot accept connections: {error}");
                sleep(REFUSED).await;
            }
        }
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    life: Lifecycle,
) -> Result<(), Failure> {
    stream.set_nodelay(true)?; // every write of ours is a whole message
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .enable_connect_protocol(); // WebSocket over HTTP/2
    let stopping = life.stopping();
    let version = tokio::select! {
        () = stopping.cancelled() => return Ok(()),
        version = timeout(PATIENCE, speaks_http2(&stream)) => version??,
    };
    // The builder's own look at the first bytes has no time limit.
    let builder = if version {
        builder.http2_only()
    } else {
        builder.http1_only()
    };
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request)
    });
    let mut serving = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    tokio::select! {
        done = serving.as_mut() => done,
        () = stopping.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    }
}

/// Waits for as many bytes as tell the two versions apart, without taking them.
async fn speaks_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0; PREFACE.len()];
    loop {
        let seen = stream.peek(&mut first).await?;
        if seen == 0 || first[..seen] != PREFACE[..seen] {
            return Ok(false);
        }
        if seen == PREFACE.len() {
            return Ok(true);
        }
        sleep(Duration::from_millis(5)).await; // `peek` does not wait for more than it has
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn serve(most: usize) -> (SocketAddr, Lifecycle) {
        let life = Lifecycle::new();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let peer = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
        let router = Router::new().route("/", get(peer));
        life.spawn("accept", accept(listener, router, life.clone(), most));
        (address, life)
    }

    async fn ask(stream: &mut TcpStream) -> String {
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
            .await
            .unwrap();
        let mut answer = [0; 1024];
        let length = stream.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    #[tokio::test]
    async fn a_handler_learns_who_asks() {
        let (address, life) = serve(8).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let me = stream.local_addr().unwrap().to_string();
        assert!(ask(&mut stream).await.ends_with(&me));
        life.stop();
        life.ended().await; // the idle connection does not hold it up
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_client_over_the_limit_waits_until_another_leaves() {
        let (address, life) = serve(1).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut first).await.starts_with("HTTP/1.1 200"));
        let mut second = TcpStream::connect(address).await.unwrap();
        second
            .write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
            .await
            .unwrap();
        drop(first);
        let mut answer = [0; 12];
        second.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        life.stop();
        life.ended().await;
    }
}
