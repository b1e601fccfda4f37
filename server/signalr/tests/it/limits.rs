//! Every bound, what a client that meets it is told, and that it is counted.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, stream};
use signalr::{
    Admission, HubOptions, Limit, NoPlace, SendError, SlowClient,
    protocol::TransportKind::{LongPolling, ServerSentEvents, WebSockets},
};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{ALL, Client, Event, HANDSHAKE, Site, User, call, request, settle};

struct ByName;

impl Admission<User> for ByName {
    fn address_key(&self, request: &http::request::Parts) -> Option<String> {
        let address = request.headers.get("x-from")?;
        address.to_str().ok().map(str::to_owned)
    }
}

#[tokio::test(start_paused = true)]
async fn negotiates_that_nobody_uses_are_bounded_and_removed() {
    let site = Site::with(HubOptions {
        max_reservations: 100,
        max_reservations_per_user: None,
        ..HubOptions::default()
    });
    for _ in 0..100 {
        site.token().await;
    }
    let path = "/hub/negotiate?negotiateVersion=1";
    let refused = site.request("POST", path, "").await;
    assert_eq!(
        (refused.status.as_u16(), refused.text()),
        (503, "Too many connections are negotiated and not opened")
    );
    assert_eq!(site.server.hits(Limit::Reservations), 1);
    tokio::time::sleep(Duration::from_secs(16)).await;
    let token = site.token().await;
    // One that is used makes room at once.
    for _ in 0..99 {
        site.token().await;
    }
    assert_eq!(site.request("POST", path, "").await.status, 503);
    let used = site.request("GET", &format!("/hub?id={token}"), "").await;
    assert_eq!(used.status, 200);
    assert_eq!(site.request("POST", path, "").await.status, 200);
}

#[tokio::test]
async fn one_users_connections_are_bounded_over_each_transport() {
    for kind in ALL {
        let mut site = Site::admitting(
            HubOptions {
                max_connections_per_user: Some(2),
                ..HubOptions::default()
            },
            ByName,
        );
        let first = Client::connect(&mut site, kind).await;
        let second = site.token().await;
        let path = "/hub/negotiate?negotiateVersion=1";
        let refused = site.request("POST", path, "").await;
        assert_eq!(
            (refused.status.as_u16(), refused.text()),
            (429, "Too many connections are open"),
            "a reservation has its seat"
        );
        assert_eq!(site.websocket("/hub").await.unwrap_err().status, 429);
        assert_eq!(site.server.hits(Limit::ConnectionsPerUser), 2);
        let other = site.request_as("bob", "POST", "/hub/negotiate", "").await;
        assert_eq!(other.status, 200, "another user has room");
        // And keeps it when it becomes a connection, over whatever transport.
        let path = format!("/hub?id={second}");
        let (mut socket, mut stream) = (None, None);
        match kind {
            WebSockets => socket = Some(site.websocket(&path).await.unwrap()),
            ServerSentEvents => {
                stream = Some(site.events(&second).await);
                assert!(stream.as_ref().is_some_and(|open| open.status() == 200));
            }
            LongPolling => assert_eq!(site.request("GET", &path, "").await.status, 200),
        }
        let path = "/hub/negotiate?negotiateVersion=1";
        assert_eq!(site.request("POST", path, "").await.status, 429);
        let path = first.path();
        drop(first);
        if kind == LongPolling {
            site.request("DELETE", &path, "").await;
        }
        site.disconnected().await;
        settle().await;
        Client::connect(&mut site, kind).await;
        drop((socket, stream));
    }
}

#[tokio::test(start_paused = true)]
async fn a_reservations_seat_is_given_back_when_nobody_comes() {
    let site = Site::with(HubOptions {
        max_connections_per_user: Some(1),
        ..HubOptions::default()
    });
    site.token().await;
    let path = "/hub/negotiate?negotiateVersion=1";
    assert_eq!(site.request("POST", path, "").await.status, 429);
    tokio::time::sleep(Duration::from_secs(16)).await;
    site.token().await;
}

#[tokio::test(start_paused = true)]
async fn one_users_reservations_leave_room_for_others() {
    let site = Site::new();
    let path = "/hub/negotiate?negotiateVersion=1";
    let token = site.token().await;
    for _ in 1..100 {
        site.token().await;
    }
    let refused = site.request("POST", path, "").await;
    assert_eq!(
        (refused.status.as_u16(), refused.text()),
        (429, "Too many connections are negotiated and not opened")
    );
    assert_eq!(site.server.hits(Limit::ReservationsPerUser), 1);
    assert_eq!(site.server.hits(Limit::Reservations), 0);
    let other = site.request_as("bob", "POST", path, "").await;
    assert_eq!(other.status, 200);
    // One that is used makes room at once, and so does one whose time is over.
    let used = site.request("GET", &format!("/hub?id={token}"), "").await;
    assert_eq!(used.status, 200);
    site.token().await;
    assert_eq!(site.request("POST", path, "").await.status, 429);
    tokio::time::sleep(Duration::from_secs(16)).await;
    for _ in 0..100 {
        site.token().await;
    }
}

/// What the host serves itself takes a seat as any other connection, and gives it back.
#[tokio::test]
async fn a_guests_place_counts_among_the_connections_of_its_user_and_address() {
    let site = Site::admitting(
        HubOptions {
            max_connections_per_user: Some(2),
            max_connections_per_address: Some(3),
            ..HubOptions::default()
        },
        ByName,
    );
    let guest = |user: &str| {
        let request = request(user, "GET", "/stream").header("x-from", "10.0.0.1");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        site.server.take_place(&User(user.to_owned()), &parts)
    };
    let place = guest("ann").unwrap();
    site.token().await;
    assert_eq!(guest("ann").unwrap_err(), NoPlace::Full);
    let path = "/hub/negotiate?negotiateVersion=1";
    assert_eq!(site.request("POST", path, "").await.status, 429);
    assert_eq!(site.server.hits(Limit::ConnectionsPerUser), 2);
    let bobs = (guest("bob").unwrap(), guest("bob").unwrap());
    assert_eq!(guest("eve").unwrap_err(), NoPlace::Full);
    assert_eq!(site.server.hits(Limit::ConnectionsPerAddress), 1);
    drop((place, bobs));
    guest("ann").unwrap();
    site.server.drain(1, Duration::ZERO).await;
    assert_eq!(guest("ann").unwrap_err(), NoPlace::Leaving);
}

#[tokio::test]
async fn one_addresses_connections_are_bounded() {
    let site = Site::admitting(
        HubOptions {
            max_connections_per_address: Some(1),
            ..HubOptions::default()
        },
        ByName,
    );
    let poll = async |address: &str| {
        let path = format!("/hub?id={}", site.token().await);
        let poll = request("ann", "GET", &path).header("x-from", address);
        site.open(poll.body(Body::empty()).unwrap()).await.status()
    };
    assert_eq!(poll("here").await, 200);
    assert_eq!(poll("here").await, 429);
    assert_eq!(poll("there").await, 200);
    assert_eq!(site.server.hits(Limit::ConnectionsPerAddress), 1);
    // A negotiate that says where it comes from has the seat.
    let negotiate = || {
        let path = "/hub/negotiate?negotiateVersion=1";
        let post = request("ann", "POST", path).header("x-from", "elsewhere");
        site.open(post.body(Body::empty()).unwrap())
    };
    assert_eq!(negotiate().await.status(), 200);
    assert_eq!(negotiate().await.status(), 429);
}

#[tokio::test]
async fn too_many_calls_in_a_second_close_with_an_error() {
    for kind in ALL {
        let mut site = Site::with(HubOptions {
            max_invocations_per_second: Some(5),
            ..HubOptions::default()
        });
        let mut client = Client::connect(&mut site, kind).await;
        let calls = (0..6)
            .map(|id| call(&id.to_string(), "Echo", "[1]"))
            .collect::<String>();
        client.send(&site, &calls).await;
        for _ in 0..5 {
            assert!(client.next(&site).await.contains("\"result\":1"));
        }
        assert_eq!(
            client.next(&site).await,
            "{\"type\":7,\"error\":\"Connection closed with an error. Too many invocations per second.\",\"allowReconnect\":true}"
        );
        assert_eq!(site.server.hits(Limit::InvocationsPerSecond), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_never_ends_is_408_after_30_s() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, ServerSentEvents).await;
    let start = Instant::now();
    let body =
        stream::iter([Ok::<_, std::io::Error>(Bytes::from("{\"type\""))]).chain(stream::pending());
    let post = request("ann", "POST", &client.path()).body(Body::from_stream(body));
    let answer = site.open(post.unwrap()).await;
    assert_eq!(answer.status(), 408);
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(site.server.hits(Limit::PostTimeout), 1);
    assert!(
        client
            .next_said(&site)
            .await
            .contains("A request body broke off."),
        "half a message is there"
    );
}

#[tokio::test(start_paused = true)]
async fn a_drip_of_a_post_has_30_s_in_all() {
    let mut site = Site::new();
    let client = Client::connect(&mut site, ServerSentEvents).await;
    let start = Instant::now();
    let body = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from("{")), ()))
    });
    let post = request("ann", "POST", &client.path()).body(Body::from_stream(body));
    assert_eq!(site.open(post.unwrap()).await.status(), 408);
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn a_post_that_is_too_large_is_413() {
    let mut site = Site::with(HubOptions {
        max_post_bytes: 1000,
        ..HubOptions::default()
    });
    let client = Client::connect(&mut site, LongPolling).await;
    let most = "{\"type\":6}\u{1e}".repeat(90);
    let answer = site.request("POST", &client.path(), most).await;
    assert_eq!(answer.status, 200);
    let answer = site.request("POST", &client.path(), "x".repeat(1001)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(site.server.hits(Limit::PostBytes), 1);
}

#[tokio::test]
async fn posts_that_wait_for_each_other_are_bounded() {
    let mut site = Site::with(HubOptions {
        max_waiting_posts: 1,
        ..HubOptions::default()
    });
    let client = Client::connect(&mut site, ServerSentEvents).await;
    let path = client.path();
    let endless = || {
        let body = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        site.open(request("ann", "POST", &path).body(body).unwrap())
    };
    let third = async {
        settle().await;
        site.request("POST", &path, "").await
    };
    tokio::select! {
        _ = async { tokio::join!(endless(), endless()) } => panic!("never ends"),
        third = third => assert_eq!(third.status, 429),
    }
    assert_eq!(site.server.hits(Limit::WaitingPosts), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_handshake_and_a_large_message_are_counted() {
    let mut site = Site::new();
    let mut client = Client::connect_to(&site, WebSockets, "").await;
    assert!(client.next(&site).await.contains("Handshake was canceled"));
    assert_eq!(site.server.hits(Limit::HandshakeTimeout), 1);
    let mut client = Client::connect(&mut site, WebSockets).await;
    client.send(&site, &"x".repeat(40_000)).await;
    site.disconnected().await;
    assert_eq!(site.server.hits(Limit::MessageBytes), 1);
}

/// A connection whose client reads nothing, with its queue full.
async fn stuffed(policy: SlowClient) -> (Site, crate::support::Socket) {
    let mut site = Site::with(HubOptions {
        max_queued_bytes: 100,
        slow_client: policy,
        ..HubOptions::default()
    });
    let mut socket = site.websocket_on(site.dial(256), "/hub").await.unwrap();
    socket.send(Message::text(HANDSHAKE)).await.unwrap();
    assert_eq!(site.event().await, Event::Connected);
    site.only().try_send(vec![b'a'; 8_000].into()).unwrap();
    settle().await;
    site.only().try_send(vec![b'b'; 90].into()).unwrap();
    (site, socket)
}

#[tokio::test]
async fn a_slow_client_makes_its_sender_wait() {
    let (site, mut socket) = stuffed(SlowClient::Wait).await;
    let connection = site.only();
    let sender = async {
        for _ in 0..3 {
            connection.send_frame(vec![b'c'; 60].into()).await.unwrap();
        }
    };
    let reader = async {
        settle().await;
        let mut lengths = Vec::new();
        while lengths.len() < 6 {
            lengths.push(socket.next().await.unwrap().unwrap().len());
        }
        lengths
    };
    let ((), lengths) = tokio::join!(sender, reader);
    assert_eq!(lengths, [3, 8_000, 90, 60, 60, 60]);
    assert!(site.server.hits(Limit::QueuedBytes) > 0);
}

#[tokio::test]
async fn a_sender_that_waits_is_told_of_the_end() {
    let (site, socket) = stuffed(SlowClient::Wait).await;
    let connection = site.only();
    let sender = connection.send_frame(vec![b'c'; 60].into());
    let end = async {
        settle().await;
        drop(socket);
    };
    assert_eq!(tokio::join!(sender, end).0, Err(SendError::Closed));
}

#[tokio::test]
async fn a_slow_client_may_be_closed_with_a_reason() {
    let (site, mut socket) = stuffed(SlowClient::Close).await;
    let late = site.only().try_send(vec![b'c'; 60].into());
    assert_eq!(late, Err(SendError::Closed));
    let mut last = String::new();
    while let Some(Ok(Message::Text(text))) = socket.next().await {
        last = text.to_string();
    }
    assert!(last.contains("The client reads too slowly."), "{last}");
    assert_eq!(site.server.hits(Limit::QueuedBytes), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_write_that_goes_on_is_not_cut() {
    let mut site = Site::new();
    let mut socket = site.websocket_on(site.dial(1024), "/hub").await.unwrap();
    socket.send(Message::text(HANDSHAKE)).await.unwrap();
    assert_eq!(site.event().await, Event::Connected);
    site.only().try_send(vec![b'x'; 60_000].into()).unwrap();
    // A kilobyte every nine seconds: nine minutes for all of it.
    let start = Instant::now();
    let mut stream = socket.into_inner();
    let mut read = 0;
    while read < 60_000 {
        tokio::time::sleep(Duration::from_secs(9)).await;
        let mut piece = [0; 1024];
        read += tokio::io::AsyncReadExt::read(&mut stream, &mut piece)
            .await
            .unwrap();
    }
    assert!(start.elapsed() > Duration::from_mins(8));
    assert_eq!(site.server.hits(Limit::SendTimeout), 0);
    assert_eq!(site.server.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_stream_that_is_not_read_is_cut_after_10_s() {
    let mut site = Site::new();
    let token = site.token().await;
    let get = request("ann", "GET", &format!("/hub?id={token}"))
        .header("accept", "text/event-stream")
        .body(Body::empty())
        .unwrap();
    // The response's body is what an HTTP server would write; nobody asks it for more.
    let stream = tower::ServiceExt::oneshot(site.app.clone(), get)
        .await
        .unwrap();
    let path = format!("/hub?id={token}");
    site.request("POST", &path, HANDSHAKE).await;
    site.event_like(|event| *event == Event::Connected).await;
    let start = Instant::now();
    assert_eq!(
        site.disconnected().await.as_deref(),
        Some("The client did not read for too long.")
    );
    assert!(start.elapsed() <= Duration::from_secs(10));
    assert_eq!(site.server.hits(Limit::SendTimeout), 1);
    drop(stream);
}
