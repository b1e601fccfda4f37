//! The rows of the HTTP layer's status table that the transports' own files do not show.

use std::sync::atomic::Ordering;

use axum::body::Body;
use futures_util::{StreamExt, stream};
use signalr::{
    HubOptions,
    protocol::TransportKind::{LongPolling, ServerSentEvents},
};
use tower::ServiceExt;

use crate::support::{Client, Site, call, request, settle};

#[tokio::test]
async fn a_negotiate_version_below_the_minimum_is_a_200_with_only_an_error() {
    let site = Site::with(HubOptions {
        min_negotiate_version: 1,
        ..HubOptions::default()
    });
    for (path, version) in [
        ("/hub/negotiate", "0"),
        ("/hub/negotiate?NEGOTIATEVERSION=0", "0"),
        ("/hub/negotiate?negotiateVersion=-3", "-3"),
    ] {
        let answer = site.request("POST", path, "").await;
        let error = format!(
            "{{\"error\":\"The client requested version '{version}', but the server does not support this version.\"}}"
        );
        assert_eq!((answer.status.as_u16(), answer.text()), (200, &*error));
    }
    assert!(site.negotiate().await.connection_token.is_some());
}

#[tokio::test]
async fn stateful_reconnect_is_promised_only_if_allowed_and_asked_for() {
    for (allowed, query, promised) in [
        (true, "&useStatefulReconnect=true", true),
        (true, "&USESTATEFULRECONNECT=True", true),
        (true, "&useStatefulReconnect=false", false),
        (true, "", false),
        (false, "&useStatefulReconnect=true", false),
    ] {
        let site = Site::with(HubOptions {
            stateful_reconnect: allowed,
            ..HubOptions::default()
        });
        let path = format!("/hub/negotiate?negotiateVersion=1{query}");
        let answer = site.request("POST", &path, "").await;
        assert_eq!(
            answer.text().contains("\"useStatefulReconnect\":true"),
            promised,
            "{allowed} {query}"
        );
    }
}

#[tokio::test]
async fn sse_without_id_is_400_also_where_the_transport_is_disabled() {
    let site = Site::with(HubOptions {
        transports: vec![LongPolling],
        ..HubOptions::default()
    });
    let stream = request("ann", "GET", "/hub").header("accept", "text/event-stream");
    let answer = site.open(stream.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["content-type"], "text/plain");
}

#[tokio::test]
async fn post_ok_is_200_text_plain_and_empty() {
    for kind in [ServerSentEvents, LongPolling] {
        let mut site = Site::new();
        let client = Client::connect(&mut site, kind).await;
        let answer = site
            .request("POST", &client.path(), call("0", "Nothing", "[]"))
            .await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, ""));
        assert_eq!(answer.headers["content-type"], "text/plain");
        assert_eq!(answer.headers["content-length"], "0");
    }
}

#[tokio::test]
async fn post_after_the_end_is_404() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, LongPolling).await;
    site.only().close(None, false);
    site.disconnected().await;
    let late = site.request("POST", &client.path(), "x").await;
    assert_eq!(
        (late.status.as_u16(), late.text()),
        (404, "No Connection with that ID")
    );
    assert_eq!(client.next(&site).await, "{\"type\":7}");
    assert_eq!(client.try_next(&site).await, None);
}

/// The HTTP server drops the request of a client that left. Half a message stayed in the stream, and the
/// next body was taken for the rest of it.
#[tokio::test]
async fn a_post_that_is_dropped_amid_a_message_closes_the_connection() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, ServerSentEvents).await;
    let half = stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from("{\"ty"))]);
    let body = Body::from_stream(half.chain(stream::pending()));
    let post = request("ann", "POST", &client.path()).body(body).unwrap();
    let mut post = Box::pin(site.app.clone().oneshot(post));
    for _ in 0..3 {
        tokio::select! {
            biased;
            _ = &mut post => panic!("its body has no end"),
            () = settle() => {}
        }
    }
    drop(post);
    assert!(
        client
            .next(&site)
            .await
            .contains("A request body broke off.")
    );
    site.disconnected().await;
}

#[tokio::test]
async fn a_post_whose_body_cannot_be_read_is_400() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, ServerSentEvents).await;
    let broken = |first: Option<&'static str>| {
        let pieces = first.map(|text| Ok(text.into()));
        let end = [Err(std::io::Error::other("aborted"))];
        let pieces = pieces.into_iter().chain(end);
        let body = Body::from_stream(stream::iter::<Vec<Result<bytes::Bytes, _>>>(
            pieces.collect(),
        ));
        let request = request("ann", "POST", &client.path()).body(body).unwrap();
        site.app.clone().oneshot(request)
    };
    assert_eq!(broken(None).await.unwrap().status(), 400);
    assert_eq!(site.server.count(), 1, "nothing of a message had come");
    assert_eq!(broken(Some("{\"ty")).await.unwrap().status(), 400);
    assert!(
        client
            .next(&site)
            .await
            .contains("A request body broke off.")
    );
    site.disconnected().await;
}

#[tokio::test]
async fn a_hook_that_panics_within_a_poll_costs_none_of_its_messages() {
    let mut site = Site::with(HubOptions {
        max_queued_bytes: 10,
        ..HubOptions::default()
    });
    let client = Client::connect(&mut site, LongPolling).await;
    site.only().try_send("{\"type\":6}\u{1e}".into()).unwrap();
    assert!(site.only().try_send("more".into()).is_err());
    site.server.hub().broken.store(true, Ordering::Relaxed);
    let poll = site.request("GET", &client.path(), "").await;
    let close =
        "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}";
    assert_eq!(poll.status, 200);
    assert_eq!(poll.text(), format!("{{\"type\":6}}\u{1e}{close}\u{1e}"));
    assert_eq!(poll.headers["cache-control"], "no-cache, no-store");
}

#[tokio::test]
async fn a_websocket_of_nobody_is_401_before_the_upgrade() {
    let site = Site::new();
    let request = request("", "GET", "/hub")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==");
    let answer = site.open(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn a_poll_that_was_dropped_unread_ends_the_connection() {
    let mut site = Site::new();
    let client = Client::connect(&mut site, LongPolling).await;
    site.only().try_send("{\"type\":6}\u{1e}".into()).unwrap();
    let poll = request("ann", "GET", &client.path());
    let answer = site
        .app
        .clone()
        .oneshot(poll.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    drop(answer);
    assert_eq!(
        site.disconnected().await.as_deref(),
        Some("A poll was cut while it was answered.")
    );
}

#[tokio::test]
async fn a_hub_is_found_in_any_case() {
    let mut site = Site::new();
    site.app = signalr::any_case(site.app.clone(), ["/hub"]);
    let path = "/Hub/Negotiate?NegotiateVersion=1";
    let answer = site.request("POST", path, "").await;
    let answer: signalr::protocol::NegotiateResponse =
        serde_json::from_slice(&answer.body).unwrap();
    let path = format!("/HUB?ID={}", answer.connection_token.unwrap());
    assert!(site.websocket(&path).await.is_ok());
    assert_eq!(
        site.request("POST", "/hubs/negotiate", "").await.status,
        404
    );
}
