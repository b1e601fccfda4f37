//! Health, metrics, the access log.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use tower::ServiceExt as _;

use super::site::{Answer, Site};
use crate::api::health;
use crate::support::lifecycle::Lifecycle;
use crate::testing;

async fn metrics(site: &Site, peer: &str) -> Answer {
    let mut request = Request::get("/metrics").body(Body::empty()).unwrap();
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    site.send(request).await
}

#[tokio::test]
async fn ready_turns_to_no_with_the_database_and_with_the_stop() {
    let site = Site::open().await;
    assert_eq!(site.get("/health/live", "").await.status, 200);
    assert_eq!(site.get("/health/ready", "").await.status, 200);
    site.product.parts.life.stop();
    let answer = site.get("/health/ready", "").await;
    assert_eq!(answer.problem(), (503, "stopping".to_owned()));
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(site.get("/health/live", "").await.status, 200);

    let pool = testing::database().await;
    pool.close().await;
    let alone = health::routes(pool, Lifecycle::new());
    let ask = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let answer = alone.clone().oneshot(ask("/health/ready")).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let answer = alone.oneshot(ask("/health/live")).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn metrics_count_what_happened_and_answer_this_machine_only() {
    let site = Site::open().await;
    let id = site.publish("acme", "t").await;
    let token = site.service("acme");
    let wrong = serde_json::json!({"kind": "9", "title": "t", "audience": {"users": ["u1"]}});
    site.post("/api/v1/notifications", &token, &wrong).await;
    let ack = serde_json::json!({"ids": [id]});
    site.post("/api/v1/acks", &site.user("acme", "u1"), &ack)
        .await;

    let answer = metrics(&site, "10.0.0.1:5").await;
    assert_eq!(answer.problem(), (403, "loopback_only".to_owned()));
    assert_eq!(site.get("/metrics", "").await.status, 403, "no socket, no");
    let answer = metrics(&site, "127.0.0.1:5").await;
    assert_eq!(answer.status, 200);
    for line in [
        "bellhop_publishes_accepted_total 1",
        "bellhop_publishes_refused_total{reason=\"invalid\"} 1",
        "bellhop_publish_latency_seconds_count 1",
        "bellhop_deliveries_dispatched_total 1",
        "bellhop_connections{transport=\"WebSockets\"} 0",
        "bellhop_acks_total{via=\"http\"} 1",
        "bellhop_attempts_unrecorded_total 0",
        "bellhop_http_requests_total{method=\"POST\",route=\"/api/v1/notifications\",status=\"202\"} 1",
    ] {
        assert!(
            answer.text.lines().any(|one| one == line),
            "{line}\n{}",
            answer.text
        );
    }
    let public = Site::open_with(&["--metrics-public"]).await;
    assert_eq!(metrics(&public, "10.0.0.1:5").await.status, 200);
}

#[tokio::test]
async fn every_answer_carries_an_id() {
    let site = Site::open().await;
    let answer = site.get("/health/live", "").await;
    assert_eq!(answer.header("x-request-id").len(), 36);
    let request = |id: &str| {
        let request = Request::get("/health/live").header("x-request-id", id);
        request.body(Body::empty()).unwrap()
    };
    let answer = site.send(request("edge-7")).await;
    assert_eq!(answer.header("x-request-id"), "edge-7");
    let answer = site.send(request("a b{}")).await;
    assert_eq!(answer.header("x-request-id").len(), 36, "not taken over");
}
