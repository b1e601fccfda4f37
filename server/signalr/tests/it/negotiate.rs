//! The way in: negotiate, and who is turned away before a connection exists.

use std::time::Duration;

use signalr::{
    HubOptions,
    protocol::TransportKind::{LongPolling, WebSockets},
};

use crate::support::Site;

#[tokio::test]
async fn version_1_has_a_public_id_and_a_secret_token() {
    let site = Site::new();
    let answer = site
        .request("POST", "/hub/negotiate?negotiateVersion=1", "")
        .await;
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(
        answer.headers["content-length"],
        answer.body.len().to_string()
    );
    let answer: signalr::protocol::NegotiateResponse =
        serde_json::from_slice(&answer.body).unwrap();
    let (id, token) = (
        answer.connection_id.unwrap(),
        answer.connection_token.unwrap(),
    );
    assert_eq!((id.len(), token.len()), (22, 22));
    assert_ne!(id, token);
    assert!(!answer.use_stateful_reconnect);
    let names = answer
        .available_transports
        .iter()
        .map(|transport| &*transport.transport);
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["WebSockets", "ServerSentEvents", "LongPolling"]
    );
}

#[tokio::test]
async fn version_0_has_one_id_for_both() {
    let site = Site::new();
    for path in ["/hub/negotiate", "/hub/NEGOTIATE?NegotiateVersion=0"] {
        let answer = site.request("POST", path, "").await;
        assert!(
            answer
                .text()
                .starts_with("{\"negotiateVersion\":0,\"connectionId\":")
        );
        assert!(!answer.text().contains("connectionToken"));
    }
}

#[tokio::test]
async fn a_version_that_is_no_number_is_a_200_with_only_an_error() {
    let site = Site::new();
    let answer = site
        .request("POST", "/hub/negotiate?negotiateVersion=x", "")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.text(),
        "{\"error\":\"The client requested an invalid protocol version 'x'\"}"
    );
}

#[tokio::test]
async fn other_verbs_are_405_with_an_empty_text() {
    let site = Site::new();
    for (verb, path) in [
        ("GET", "/hub/negotiate"),
        ("PUT", "/hub/negotiate"),
        ("PUT", "/hub"),
        ("OPTIONS", "/hub"),
    ] {
        let answer = site.request(verb, path, "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (405, ""),
            "{verb} {path}"
        );
        assert_eq!(answer.headers["content-type"], "text/plain");
    }
    assert_eq!(site.request("POST", "/hub/elsewhere", "").await.status, 404);
}

#[tokio::test]
async fn without_a_principal_every_verb_is_401() {
    let site = Site::new();
    for (verb, path) in [
        ("POST", "/hub/negotiate"),
        ("GET", "/hub?id=x"),
        ("POST", "/hub?id=x"),
        ("DELETE", "/hub?id=x"),
        ("PUT", "/hub"),
    ] {
        let answer = site.request_as("", verb, path, "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (401, ""),
            "{verb} {path}"
        );
    }
}

#[tokio::test]
async fn a_missing_id_is_400_and_an_unknown_one_404() {
    let site = Site::new();
    for verb in ["GET", "POST", "DELETE"] {
        let missing = site.request(verb, "/hub", "").await;
        assert_eq!(
            (missing.status.as_u16(), missing.text()),
            (400, "Connection ID required")
        );
        let unknown = site.request(verb, "/hub?id=nope", "").await;
        assert_eq!(
            (unknown.status.as_u16(), unknown.text()),
            (404, "No Connection with that ID")
        );
    }
    assert_eq!(site.events("nope").await.status(), 404);
    let unknown = site.request("GET", "/hub?id=nope", "").await;
    assert_eq!(unknown.headers["cache-control"], "no-cache, no-store");
}

#[tokio::test(start_paused = true)]
async fn an_unused_reservation_expires_after_15_s() {
    let site = Site::new();
    let (early, late) = (site.token().await, site.token().await);
    tokio::time::advance(Duration::from_millis(14_900)).await;
    assert_eq!(
        site.request("GET", &format!("/hub?ID={early}"), "")
            .await
            .status,
        200
    );
    tokio::time::advance(Duration::from_millis(200)).await;
    assert_eq!(
        site.request("GET", &format!("/hub?id={late}"), "")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_disabled_transport_is_404_and_not_listed() {
    let site = Site::with(HubOptions {
        transports: vec![LongPolling],
        ..HubOptions::default()
    });
    let negotiated = site.negotiate().await;
    assert_eq!(negotiated.available_transports, [LongPolling.into()]);
    let token = negotiated.connection_token.unwrap();
    assert_eq!(site.events(&token).await.status(), 404);
    assert_eq!(
        site.websocket(&format!("/hub?id={token}"))
            .await
            .unwrap_err()
            .status,
        404
    );
    assert_eq!(
        site.request("GET", &format!("/hub?id={token}"), "")
            .await
            .status,
        200
    );
    let site = Site::with(HubOptions {
        transports: vec![WebSockets],
        ..HubOptions::default()
    });
    let token = site.token().await;
    assert_eq!(
        site.request("GET", &format!("/hub?id={token}"), "")
            .await
            .status,
        404
    );
}
