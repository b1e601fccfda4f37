//! A raw endpoint over every transport: negotiate, then bytes there and back.

use axum::{Router, body::Body};
use futures_util::{SinkExt, StreamExt, stream::FuturesUnordered};
use signalr::{HubOptions, RawConnection, RawEndpoint, RawServer, protocol::TransferFormat};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Site, User, call, piece, request, settle};

struct Echo;

impl RawEndpoint for Echo {
    type Principal = User;

    fn same_identity(first: &User, later: &User) -> bool {
        first == later
    }

    async fn serve(&self, connection: RawConnection<User>) {
        if connection.connection().query("binary").is_some() {
            connection.set_format(TransferFormat::Binary);
        }
        while let Some(bytes) = connection.receive().await {
            assert!(bytes != "panic", "on purpose");
            if bytes == "bye" || connection.send(bytes).await.is_err() {
                return;
            }
        }
    }
}

/// Several tasks share one connection.
struct Shared;

impl RawEndpoint for Shared {
    type Principal = User;

    fn same_identity(first: &User, later: &User) -> bool {
        first == later
    }

    async fn serve(&self, connection: RawConnection<User>) {
        let receive = async || {
            let bytes = connection.receive().await.unwrap();
            // More than the socket takes: each waits for room.
            for _ in 0..20 {
                connection.send(bytes.repeat(5_000).into()).await.unwrap();
            }
        };
        // Each with a waker of its own, as tasks have.
        let all = (0..3).map(|_| receive()).collect::<FuturesUnordered<_>>();
        all.collect::<()>().await;
    }
}

/// Two that waited shared one waker, and one of them was never woken.
#[tokio::test(start_paused = true)]
async fn several_tasks_may_receive_and_send_at_once() {
    let mut site = Site::new();
    let (tracker, stopping) = (site.tracker.clone(), site.stopping.clone());
    let options = HubOptions {
        max_queued_bytes: 6_000,
        ..HubOptions::default()
    };
    let server = RawServer::new(Shared, options, tracker, stopping);
    site.app = Router::new()
        .nest("/hub", server.router())
        .layer(axum::middleware::from_fn(crate::support::identify));
    let io = site.dial(1_024);
    let mut socket = site.websocket_on(io, "/hub").await.unwrap();
    settle().await;
    for text in ["a", "b", "c"] {
        socket.send(Message::text(text)).await.unwrap();
        settle().await;
    }
    let mut read = 0;
    let all = tokio::time::timeout(std::time::Duration::from_mins(1), async {
        while let Some(Ok(Message::Text(text))) = socket.next().await {
            read += text.len();
        }
    });
    all.await.expect("one of them waits for ever");
    assert_eq!(read, 3 * 20 * 5_000);
}

/// The usual site with the echo in the hub's place.
fn site() -> (Site, RawServer<Echo>) {
    let mut site = Site::new();
    let (tracker, stopping) = (site.tracker.clone(), site.stopping.clone());
    let server = RawServer::new(Echo, HubOptions::default(), tracker, stopping);
    site.app = Router::new()
        .nest("/hub", server.router())
        .layer(axum::middleware::from_fn(crate::support::identify));
    (site, server)
}

#[tokio::test]
async fn a_websocket_is_echoed_in_its_format() {
    let (site, server) = site();
    for (query, message) in [
        ("", Message::text("{half")),
        ("&binary=1", Message::binary(vec![0, 255, 30])),
    ] {
        let path = format!("/hub?id={}{query}", site.token().await);
        let mut socket = site.websocket(&path).await.unwrap();
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
        assert_eq!(server.count(), 1);
        socket.send(Message::text("bye")).await.unwrap();
        let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else {
            panic!()
        };
        assert_eq!(u16::from(frame.code), 1000);
        settle().await;
        assert_eq!(server.count(), 0);
    }
}

#[tokio::test]
async fn an_event_stream_is_echoed() {
    let (site, _) = site();
    let token = site.token().await;
    let mut stream = site.events(&token).await.into_body().into_data_stream();
    assert_eq!(piece(&mut stream).await, ":\r\n");
    let path = format!("/hub?id={token}");
    assert_eq!(site.request("POST", &path, "hello").await.status, 200);
    assert_eq!(piece(&mut stream).await, "data: hello\r\n\r\n");
    site.request("POST", &path, "bye").await;
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn polls_are_echoed_whatever_the_bytes() {
    let (site, _) = site();
    let path = format!("/hub?id={}", site.token().await);
    assert_eq!(site.request("GET", &path, "").await.text(), "");
    let bytes = vec![0_u8, 200, 30, 10];
    site.request("POST", &path, bytes.clone()).await;
    assert_eq!(site.request("GET", &path, "").await.body, bytes);
    assert_eq!(site.request("DELETE", &path, "").await.status, 202);
    assert_eq!(site.request("GET", &path, "").await.status, 404);
}

#[tokio::test]
async fn a_panic_ends_the_connection_on_each_transport() {
    let (site, server) = site();
    for kind in crate::support::ALL {
        let mut client = crate::support::Client::connect_to(&site, kind, "").await;
        client.send(&site, "panic").await;
        assert_eq!(client.try_next(&site).await, None, "{kind:?}");
        settle().await;
        assert_eq!(server.count(), 0);
        assert_eq!(site.request("GET", &client.path(), "").await.status, 404);
    }
}

#[tokio::test]
async fn stateful_reconnect_is_never_promised() {
    let (site, _) = site();
    let path = "/hub/negotiate?negotiateVersion=1&useStatefulReconnect=true";
    let answer = site.request("POST", path, "").await;
    assert!(!answer.text().contains("useStatefulReconnect"));
    let refused = request("", "POST", path).body(Body::empty()).unwrap();
    assert_eq!(site.open(refused).await.status(), 401);
}

#[tokio::test]
async fn stopping_closes() {
    let (site, server) = site();
    let mut socket = site.websocket("/hub").await.unwrap();
    socket
        .send(Message::text(call("0", "x", "[]")))
        .await
        .unwrap();
    socket.next().await.unwrap().unwrap();
    site.stopping.cancel();
    let Some(Ok(Message::Close(Some(_)))) = socket.next().await else {
        panic!()
    };
    drop(socket);
    site.tracker.close();
    site.tracker.wait().await;
    assert_eq!(server.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_credentials_is_a_close_without_words() {
    struct Short;

    impl signalr::Admission<User> for Short {
        fn expires_in(&self, _: &User) -> Option<std::time::Duration> {
            Some(std::time::Duration::from_secs(5))
        }
    }

    let (mut site, server) = site();
    site.app = Router::new()
        .nest("/hub", server.with_admission(Short).router())
        .layer(axum::middleware::from_fn(crate::support::identify));
    let mut socket = site.websocket("/hub").await.unwrap();
    let Some(Ok(Message::Close(Some(_)))) = socket.next().await else {
        panic!()
    };
}
