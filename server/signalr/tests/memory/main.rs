//! What an idle WebSocket connection costs: in a process of its own, so that nothing else counts.
#![expect(
    clippy::unwrap_used,
    reason = "a test's helpers fail by panicking, as tests do"
)]

use std::{sync::Arc, time::Duration};

use axum::{extract::Request, middleware::Next};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signalr::{Call, Connection, Hub, HubError, HubOptions, HubServer, Reply};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const CONNECTIONS: usize = 2_000;
/// Bytes.
const MOST: usize = 10 * 1024;
const HANDSHAKE: &[u8] = b"{\"protocol\":\"json\",\"version\":1}\x1e";

struct Quiet;

impl Hub for Quiet {
    type Principal = ();

    fn same_identity((): &(), (): &()) -> bool {
        true
    }

    async fn connected(&self, _: &Arc<Connection<()>>) -> Result<(), HubError> {
        Ok(())
    }

    async fn invoke(&self, _: &Arc<Connection<()>>, _: Call) -> Reply {
        Reply::done()
    }
}

/// Both ends of each connection are files of this process, and an ordinary user's limit is 1,024 until it is raised.
fn allow_files(wanted: usize) {
    let limit = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(wanted).unwrap();
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        setrlimit(Resource::Nofile, raised).unwrap();
        let enough = limit.maximum.is_none_or(|maximum| maximum >= wanted);
        assert!(enough, "open files: {wanted} are needed (`ulimit -Hn`)");
    }
}

/// Resident memory of this process in bytes, its client sockets included.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages = pages.split_whitespace().nth(1).unwrap();
    pages.parse::<usize>().unwrap() * 4096
}

/// A socket after its handshake. Only the socket: no client library, no buffers.
async fn connect(address: std::net::SocketAddr) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket
        .write_all(
            b"GET /hub HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
              sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
              user-agent: probe\r\n\r\n",
        )
        .await
        .unwrap();
    let mut frame = vec![
        0x81,
        0x80 | u8::try_from(HANDSHAKE.len()).unwrap(),
        0,
        0,
        0,
        0,
    ];
    frame.extend_from_slice(HANDSHAKE);
    socket.write_all(&frame).await.unwrap();
    let mut seen = Vec::with_capacity(256);
    while !seen.ends_with(b"{}\x1e") {
        socket.read_buf(&mut seen).await.unwrap();
    }
    socket
}

#[tokio::test]
async fn an_idle_websocket_costs_at_most_10_kib() {
    allow_files(2 * (CONNECTIONS + 100) + 64);
    let (tracker, stopping) = (TaskTracker::new(), CancellationToken::new());
    let server = HubServer::new(Quiet, HubOptions::default(), tracker.clone(), stopping);
    let identify = |mut request: Request, next: Next| {
        request.extensions_mut().insert(());
        next.run(request)
    };
    let app = axum::Router::new()
        .nest("/hub", server.router())
        .layer(axum::middleware::from_fn(identify));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tracker.spawn(async move { axum::serve(listener, app).await.unwrap() });

    // What is only paid once is paid before the first look.
    let mut sockets = Vec::with_capacity(CONNECTIONS + 100);
    for _ in 0..100 {
        sockets.push(connect(address).await);
    }
    let before = resident();
    for _ in 0..CONNECTIONS {
        sockets.push(connect(address).await);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.count(), CONNECTIONS + 100);
    let each = resident().saturating_sub(before) / CONNECTIONS;
    println!("{each} bytes of resident memory per idle connection");
    assert!(each <= MOST, "{each}");
}
