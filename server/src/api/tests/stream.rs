//! The door of the event stream. What comes through it: `delivery/tests/stream.rs`.

use axum::body::Body;
use http::Request;
use tower::ServiceExt as _;

use super::site::{Answer, Site};
use crate::auth::Scope;

const PATH: &str = "/api/v1/stream";
const APP: &str = "https://app.example.com";

async fn ask(site: &Site, query: &str, header: &str, value: &str) -> Answer {
    let request = Request::get(format!("{PATH}?{query}")).header(header, value);
    site.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn only_users_come_in_and_what_is_wrong_is_named() {
    let site = Site::open().await;
    let refused = site.send(Request::get(PATH).body(Body::empty()).unwrap());
    assert_eq!(refused.await.problem(), (401, "missing_token".to_owned()));
    let query = "access_token=nonsense";
    assert_eq!(ask(&site, query, "x", "y").await.problem().0, 401);
    let query = format!("access_token={}", site.expired());
    let refused = ask(&site, &query, "x", "y").await.problem();
    assert_eq!(refused, (401, "expired_token".to_owned()));
    let service = site.service("acme");
    assert_eq!(site.get(PATH, &service).await.problem().0, 403);
    let key = site.api_key("acme", &[Scope::Publish]).await;
    assert_eq!(site.get(PATH, &key).await.problem().0, 403);

    let user = format!("access_token={}", site.user("acme", "u1"));
    let odd = ask(&site, &format!("{user}&device=my%20phone"), "x", "y").await;
    assert_eq!(odd.json()["field"], "device");
    for odd in ["42", "1:x", "1:-2"] {
        let answer = ask(&site, &user, "last-event-id", odd).await;
        assert_eq!(answer.problem().0, 422, "{odd}");
        assert_eq!(answer.json()["field"], "last_event_id");
    }
    let body = serde_json::json!({});
    let post = site.post(PATH, &site.user("acme", "u1"), &body).await;
    assert_eq!(post.problem(), (405, "method_not_allowed".to_owned()));
}

#[tokio::test]
async fn browsers_come_from_origins_that_their_service_names() {
    let site = Site::open().await;
    let from = |token: &str| {
        Request::get(format!("{PATH}?access_token={token}"))
            .header("host", "bell.example")
            .header("origin", APP)
            .body(Body::empty())
            .unwrap()
    };
    let user = site.user("acme", "u1");
    let refused = site.send(from(&user)).await;
    assert_eq!(refused.problem(), (403, "origin_not_allowed".to_owned()));

    site.allow("acme", "app", APP).await;
    let answer = site.router.clone().oneshot(from(&user)).await.unwrap();
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers()[name].to_str().unwrap();
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!(header("access-control-allow-origin"), APP);
    assert_eq!(header("cache-control"), "no-store");
    let theirs = site.send(from(&site.user("evil", "u1"))).await;
    assert_eq!(theirs.problem(), (403, "origin_not_allowed".to_owned()));

    let preflight = Request::options(PATH)
        .header("host", "bell.example")
        .header("origin", APP)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "last-event-id");
    let preflight = site.send(preflight.body(Body::empty()).unwrap()).await;
    assert_eq!(preflight.status, 204);
    let allowed = preflight.header("access-control-allow-headers");
    assert!(allowed.contains("last-event-id"), "{allowed}");
}
