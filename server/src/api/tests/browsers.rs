//! Browsers on other origins.

use axum::body::Body;
use http::Request;
use http::request::Builder;

use super::site::{Answer, Site};

const APP: &str = "https://app.example.com";
const NEGOTIATE: &str = "/hubs/workflow/negotiate?negotiateVersion=1";
const API: &str = "/api/v1/acks";

fn from(origin: &str, request: Builder) -> Request<Body> {
    let request = request
        .header("host", "bell.example")
        .header("origin", origin);
    request.body(Body::empty()).unwrap()
}

async fn preflight(site: &Site, origin: &str, path: &str) -> Answer {
    let request = Request::options(path)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,x-requested-with",
        );
    site.send(from(origin, request)).await
}

async fn negotiate(site: &Site, origin: &str, token: &str) -> Answer {
    let request = Request::post(NEGOTIATE).header("authorization", format!("Bearer {token}"));
    site.send(from(origin, request)).await
}

#[tokio::test]
async fn a_preflight_is_answered_before_any_token_and_only_to_named_origins() {
    let site = Site::open().await;
    let answer = preflight(&site, APP, NEGOTIATE).await;
    assert_eq!(answer.problem(), (403, "origin_not_allowed".to_owned()));
    assert_eq!(answer.header("access-control-allow-origin"), "");
    assert_eq!(answer.header("vary"), "origin");

    site.allow("acme", "app", APP).await;
    for path in [NEGOTIATE, API] {
        let answer = preflight(&site, APP, path).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), APP);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        let headers = answer.header("access-control-allow-headers");
        for name in ["authorization", "x-requested-with", "x-signalr-user-agent"] {
            assert!(headers.contains(name), "{headers}");
        }
    }
    for other in [
        "https://app.example.com.evil",
        "https://APP.example.com",
        "null",
    ] {
        let answer = preflight(&site, other, NEGOTIATE).await;
        assert_eq!(answer.status, 403, "{other}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn the_callers_own_service_must_allow_the_origin() {
    let site = Site::open().await;
    site.allow("acme", "app", APP).await;
    let answer = negotiate(&site, APP, &site.user("acme", "u1")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), APP);
    // A refusal can be read by the page, or it could not fetch a new token.
    let answer = negotiate(&site, APP, &site.expired()).await;
    assert_eq!(answer.problem(), (401, "expired_token".to_owned()));
    assert_eq!(answer.header("access-control-allow-origin"), APP);

    let answer = negotiate(&site, APP, &site.user("evil", "u1")).await;
    assert_eq!(answer.problem(), (403, "origin_not_allowed".to_owned()));
    let answer = negotiate(&site, "https://evil.example", &site.user("acme", "u1")).await;
    assert_eq!(answer.problem(), (403, "origin_not_allowed".to_owned()));
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let other = Request::get("/api/v1/requests/x").header(
        "authorization",
        format!("Bearer {}", site.scoped("acme", "other", &["read"])),
    );
    let answer = site.send(from(APP, other)).await;
    assert_eq!(answer.problem(), (403, "origin_not_allowed".to_owned()));
}

#[tokio::test]
async fn our_own_pages_and_programs_need_no_permission() {
    let site = Site::open().await;
    let user = site.user("acme", "u1");
    let answer = negotiate(&site, "https://bell.example", &user).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let program = Request::post(NEGOTIATE).header("authorization", format!("Bearer {user}"));
    let answer = site.send(program.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_service_changed_over_the_api_counts_at_once() {
    let site = Site::open().await;
    let body = serde_json::json!({"name": "App", "allowed_origins": [APP]});
    let put = Request::put("/api/v1/services/app")
        .header("authorization", format!("Bearer {}", site.service("acme")))
        .header("content-type", "application/json");
    let answer = site.send(put.body(body.to_string().into()).unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // Well before the five seconds after which it would be read anyway.
    let begun = std::time::Instant::now();
    while preflight(&site, APP, API).await.status != 204 {
        assert!(begun.elapsed().as_secs() < 3, "nobody told");
        tokio::task::yield_now().await;
    }
}
