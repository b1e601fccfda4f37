//! Rules of the Server-Sent Events transport, and of the POSTs it shares with long polling.

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use signalr::protocol::TransportKind::{LongPolling, ServerSentEvents};

use crate::support::{Client, Event, HANDSHAKE, Site, Wire, call, piece, request, settle};

#[tokio::test]
async fn the_stream_begins_with_its_headers_and_one_comment_line() {
    let site = Site::new();
    let answer = site.events(&site.token().await).await;
    assert_eq!(answer.status(), 200);
    let headers = answer.headers().clone();
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(headers["cache-control"], "no-cache,no-store");
    assert_eq!(headers["pragma"], "no-cache");
    assert_eq!(headers["content-encoding"], "identity");
    assert_eq!(
        piece(&mut answer.into_body().into_data_stream()).await,
        ":\r\n"
    );
}

#[tokio::test]
async fn each_message_is_one_unnamed_event() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, ServerSentEvents).await;
    site.only().try_send("{\n\"type\":6}\u{1e}".into()).unwrap();
    let Wire::Events(stream) = &mut client.wire else {
        panic!()
    };
    assert_eq!(
        piece(stream).await,
        "data: {\r\ndata: \"type\":6}\u{1e}\r\n\r\n"
    );
}

#[tokio::test]
async fn second_stream_on_a_live_id_is_409_and_a_poll_400() {
    let mut site = Site::new();
    let client = Client::connect(&mut site, ServerSentEvents).await;
    assert_eq!(site.events(&client.token).await.status(), 409);
    assert_eq!(site.request("GET", &client.path(), "").await.status, 400);
    assert_eq!(site.request("DELETE", &client.path(), "").await.status, 400);
    assert_eq!(
        site.websocket(&client.path()).await.unwrap_err().status,
        400
    );
}

#[tokio::test]
async fn dropping_the_stream_ends_the_connection() {
    let mut site = Site::new();
    let client = Client::connect(&mut site, ServerSentEvents).await;
    let path = client.path();
    drop(client);
    assert_eq!(
        site.disconnected().await.as_deref(),
        Some("The event stream was cut.")
    );
    settle().await;
    assert_eq!(site.request("POST", &path, "x").await.status, 404);
}

#[tokio::test]
async fn another_users_token_on_a_post_is_403() {
    for kind in [ServerSentEvents, LongPolling] {
        let mut site = Site::new();
        let client = Client::connect(&mut site, kind).await;
        let answer = site
            .request_as("bob", "POST", &client.path(), call("0", "Echo", "[1]"))
            .await;
        assert_eq!(answer.status, 403);
        assert_eq!(
            site.request_as("bob", "DELETE", &client.path(), "")
                .await
                .status,
            403
        );
        assert_eq!(
            site.request_as("bob", "GET", &client.path(), "")
                .await
                .status,
            403
        );
    }
    let site = Site::new();
    let token = site.token().await;
    let stolen = site
        .request_as("bob", "GET", &format!("/hub?id={token}"), "")
        .await;
    assert_eq!(stolen.status, 403, "a negotiated id too");
}

#[tokio::test]
async fn a_post_is_evidence_for_what_the_stream_passed_on() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, ServerSentEvents).await;
    let mark = site.only().try_send("{\"type\":6}\u{1e}".into()).unwrap();
    assert_eq!(client.next(&site).await, "{\"type\":6}");
    settle().await;
    client.send(&site, "{\"type\":6}\u{1e}").await;
    assert_eq!(site.event().await, Event::SeenAgain);
    assert_eq!(site.event().await, Event::Evidence(mark.0));
}

#[tokio::test]
async fn posts_wait_for_each_other_and_form_one_stream() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, ServerSentEvents).await;
    let text = call("0", "Echo", "[1]");
    let (head, tail) = text.split_at(20);
    // The first body is held open half-way while the second arrives.
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let (head, tail) = (Bytes::from(head.to_owned()), Bytes::from(tail.to_owned()));
    let body = stream::iter([Ok::<_, std::io::Error>(head)]).chain(stream::once(async move {
        released.await.unwrap();
        Ok(tail)
    }));
    let slow = request("ann", "POST", &client.path())
        .body(Body::from_stream(body))
        .unwrap();
    let path = client.path();
    let (slow, second, ()) = tokio::join!(
        site.open(slow),
        async {
            settle().await;
            site.request("POST", &path, call("1", "Echo", "[2]")).await
        },
        async {
            for _ in 0..10 {
                settle().await;
            }
            release.send(()).unwrap();
        },
    );
    assert_eq!((slow.status().as_u16(), second.status.as_u16()), (200, 200));
    assert!(client.next(&site).await.ends_with("\"result\":1}"));
    assert!(client.next(&site).await.ends_with("\"result\":2}"));
}

#[tokio::test]
async fn a_post_blocked_on_backpressure_is_404_when_the_connection_ends() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, ServerSentEvents).await;
    client.send(&site, &call("0", "Wait", "[]")).await;
    let fill = call("1", "Echo", &format!("[\"{}\"]", "x".repeat(30_000)));
    let flood = fill.repeat(40);
    let connection = site.only();
    let path = client.path();
    let (blocked, ()) = tokio::join!(site.request("POST", &path, flood), async {
        for _ in 0..20 {
            settle().await;
        }
        connection.close(None, false);
    });
    assert_eq!(blocked.status, 404);
}

#[tokio::test]
async fn the_handshake_may_come_in_two_posts() {
    let mut site = Site::new();
    let mut client = Client::connect_to(&site, ServerSentEvents, "").await;
    let (head, tail) = HANDSHAKE.split_at(9);
    client.send(&site, head).await;
    client.send(&site, tail).await;
    assert_eq!(client.next(&site).await, "{}");
    assert_eq!(
        site.event_like(|event| *event == Event::Connected).await,
        Event::Connected
    );
}
