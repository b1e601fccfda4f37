//! A browser registers with its session, against the strict stand-in of its maker.

use app::backend::Caller;
use axum::body::Body;
use axum::response::Response;
use axum::{Extension, Router};
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::devpush::Browser;
use crate::support::clock::Clock;
use crate::testing::eventually;
use crate::testing::house::House;
use crate::testing::phones::Makers;

fn router(house: &House, caller: Option<Caller>) -> Router {
    let routes = super::routes(house.product.hub.clone());
    super::super::headers::secure(routes).layer(Extension(caller))
}

async fn caller(house: &House, key: &str) -> Caller {
    let (user, tenant): (Uuid, Uuid) = sqlx::query_as(
        "SELECT u.id, u.tenant_id FROM bellhop.user_account u JOIN bellhop.tenant t ON t.id = u.tenant_id
          WHERE u.key = $1 AND t.key = 'a'",
    )
    .bind(key)
    .fetch_one(&house.pool)
    .await
    .unwrap();
    Caller {
        tenant: tenant.as_u128(),
        user: user.as_u128(),
        roles: Vec::new(),
        session: 1,
    }
}

async fn send(router: &Router, method: Method, body: Value) -> Response {
    let request = Request::builder()
        .method(method)
        .uri("/push/registration")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()));
    router.clone().oneshot(request.unwrap()).await.unwrap()
}

async fn read(response: Response) -> Value {
    let body = axum::body::to_bytes(response.into_body(), 1 << 16)
        .await
        .unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn the_worker_is_served_for_the_whole_site_and_asked_for_again() {
    let clock = Clock::system();
    let makers = Makers::open(&clock).await;
    let house = House::open_beside(&makers, clock).await;
    let request = Request::get(app::features::device_push::WORKER)
        .body(Body::empty())
        .unwrap();
    let answer = router(&house, None).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let said = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(said("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(said("cache-control"), "no-cache");
    assert_eq!(said("service-worker-allowed"), "/");
    assert_eq!(said("x-content-type-options"), "nosniff");
    assert!(said("content-security-policy").starts_with("default-src 'none'; connect-src 'self'"));
}

#[tokio::test]
async fn a_browser_registers_with_its_session_and_acks_without_it() {
    let clock = Clock::system();
    let makers = Makers::open(&clock).await;
    let house = House::open_beside(&makers, clock).await;
    let key = house.product.parts.pusher.vapid_public_key().unwrap();
    let browser = makers
        .stand_ins
        .browser("laptop", Browser::Chrome, Some(key))
        .unwrap();
    let subscription: Value = serde_json::from_str(&browser.token_or_subscription).unwrap();
    let good = json!({"device": "web-1", "subscription": subscription});

    let nobody = router(&house, None);
    for method in [Method::PUT, Method::DELETE] {
        let answer = send(&nobody, method, good.clone()).await;
        assert!(matches!(
            answer.status(),
            StatusCode::UNAUTHORIZED | StatusCode::UNPROCESSABLE_ENTITY
        ));
    }
    let mine = router(&house, Some(caller(&house, "u1").await));
    for (wrong, field) in [
        (
            json!({"device": "my laptop", "subscription": subscription}),
            "device",
        ),
        (
            json!({"device": "web-1", "subscription": {"endpoint": "https://evil.example/", "keys": {}}}),
            "subscription",
        ),
        (
            json!({"device": "web-1", "subscription": "x".repeat(5_000)}),
            "subscription",
        ),
    ] {
        let answer = read(send(&mine, Method::PUT, wrong).await).await;
        assert_eq!(answer["field"], field, "{answer}");
    }
    let answer = send(&mine, Method::PUT, good.clone()).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let credential = read(answer).await["credential"]
        .as_str()
        .unwrap()
        .to_owned();

    let body =
        json!({"kind": "NewTask", "title": "t", "class": "urgent", "audience": {"users": ["u1"]}});
    let (_, published) = house.post("a", &body).await;
    eventually(async || makers.screen(&browser) == ["Urgent: please look now"]).await;
    let ack = house
        .http
        .post(house.url("/api/v1/acks"))
        .bearer_auth(&credential)
        .json(&json!({"ids": [published["id"]], "via": "tap"}));
    assert_eq!(ack.send().await.unwrap().status(), 200);
    eventually(async || makers.screen(&browser).is_empty()).await;

    // Somebody else signs in there and registers: the browser is theirs, whatever else it writes of itself.
    let theirs = router(&house, Some(caller(&house, "u2").await));
    let mut renewed = good.clone();
    renewed["subscription"]["expirationTime"] = json!(1_800_000_000_000_i64);
    let taken = send(&theirs, Method::PUT, renewed).await;
    assert_eq!(taken.status(), StatusCode::OK);
    let owners: Vec<String> = sqlx::query_scalar(
        "SELECT u.key FROM bellhop.push_token t JOIN bellhop.user_account u ON u.id = t.user_id",
    )
    .fetch_all(&house.pool)
    .await
    .unwrap();
    assert_eq!(owners, ["u2"]);

    // It leaves: nothing is pushed any more, and the credential is void.
    let gone = send(&mine, Method::DELETE, json!({"device": "web-1"})).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let ack = house
        .http
        .post(house.url("/api/v1/acks"))
        .bearer_auth(&credential)
        .json(&json!({"ids": [published["id"]], "via": "tap"}));
    assert_eq!(ack.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn without_a_key_nobody_registers_and_it_is_said() {
    let house = House::open().await;
    let makers = Makers::open(&Clock::system()).await;
    let browser = makers
        .stand_ins
        .browser("b", Browser::Mozilla, None)
        .unwrap();
    let subscription: Value = serde_json::from_str(&browser.token_or_subscription).unwrap();
    let mine = router(&house, Some(caller(&house, "u1").await));
    // A server without keys takes no loopback either, so the real host is named.
    let mut real = subscription;
    real["endpoint"] = json!("https://updates.push.services.mozilla.com/wpush/v2/x");
    let body = json!({"device": "web-1", "subscription": real});
    let answer = send(&mine, Method::PUT, body).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    assert_eq!(read(answer).await["code"], "no_web_push");
}
