//! Webhooks over the API, to a real receiver.

use serde_json::{Value, json};

use super::site::Site;
use crate::testing::eventually;
use crate::webhooks::secret;
use crate::webhooks::tests::Receiver;

const PATH: &str = "/api/v1/webhooks/receipts";

fn body(url: &str) -> Value {
    json!({"url": url, "events": ["notification.acked", "notification.settled"]})
}

#[tokio::test]
async fn made_tried_told_and_removed() {
    let site = Site::open_with(&["--webhooks-allow-private"]).await;
    let (receiver, address) = Receiver::open(&site.product.parts.life).await;
    let (token, url) = (site.service("acme"), format!("http://{address}/hook"));
    let made = site.put(PATH, &token, &body(&url)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let first = secret::read(made.json()["secret"].as_str().unwrap()).unwrap();
    let again = site.put(PATH, &token, &body(&url)).await;
    assert_eq!(
        (again.status.as_u16(), again.json()),
        (200, json!({"id": "receipts"}))
    );

    let test = format!("{PATH}/test");
    let tried = site.post(&test, &token, &json!({})).await.json();
    assert_eq!(
        (&tried["taken"], &tried["status"]),
        (&json!(true), &json!(204))
    );
    let got = &receiver.got()[0];
    assert_eq!(
        (&got.body["type"], got.id.as_str()),
        (
            &json!("webhook.test"),
            tried["webhook_id"].as_str().unwrap()
        )
    );
    assert!(got.is_signed_with(&first));

    let id = site.publish("acme", "one").await;
    let ack = site
        .post(
            "/api/v1/acks",
            &site.user("acme", "u1"),
            &json!({"ids": [id]}),
        )
        .await;
    assert_eq!(ack.status, 200, "{ack:?}");
    eventually(async || receiver.got().len() == 2).await;
    let got = &receiver.got()[1];
    assert_eq!(got.types(), ["notification.acked", "notification.settled"]);
    assert!(got.is_signed_with(&first));

    let mut rotated = body(&url);
    rotated["rotate_secret"] = json!(true);
    let rotated = site.put(PATH, &token, &rotated).await.json();
    let second = secret::read(rotated["secret"].as_str().unwrap()).unwrap();
    assert_ne!(first, second);
    // The receiver has it before it is noted that it took it.
    eventually(async || site.get(PATH, &token).await.json()["taken_at"].is_string()).await;
    let state = site.get(PATH, &token).await;
    assert!(!state.text.contains("whsec_"), "{state:?}");
    let state = state.json();
    assert_eq!(
        (&state["state"], &state["waiting_requests"]),
        (&json!("active"), &json!(0))
    );
    assert!(state["old_secret_until"].is_string(), "{state}");

    // What is another's does not exist.
    let evil = site.service("evil");
    assert_eq!(site.get(PATH, &evil).await.problem().0, 404);
    assert_eq!(site.post(&test, &evil, &json!({})).await.problem().0, 404);
    assert_eq!(site.delete(PATH, &evil).await.status, 204);
    assert_eq!(
        site.get("/api/v1/webhooks", &evil).await.json(),
        json!({"items": []})
    );
    let other = site.publish("evil", "theirs").await;
    let ack = json!({"ids": [other]});
    site.post("/api/v1/acks", &site.user("evil", "u1"), &ack)
        .await;

    assert_eq!(site.delete(PATH, &token).await.status, 204);
    assert_eq!(site.get(PATH, &token).await.problem().0, 404);
    let left: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM bellhop.webhook_event) + (SELECT count(*) FROM bellhop.webhook_message)
              + (SELECT count(*) FROM bellhop.webhook_settled)",
    )
    .fetch_one(&site.pool)
    .await
    .unwrap();
    assert_eq!((left, receiver.got().len()), (0, 2));
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let site = Site::open().await;
    let token = site.service("acme");
    let wrong = async |path: &str, body: &Value| {
        let answer = site.put(path, &token, body).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        answer.json()["field"].as_str().unwrap().to_owned()
    };
    let good = "https://app.example.com/receipts";
    for url in [
        "http://app.example.com/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://localhost:5432/",
        "file:///etc/passwd",
    ] {
        assert_eq!(wrong(PATH, &body(url)).await, "url", "{url}");
    }
    let with = |name: &str, value: Value| {
        let mut body = body(good);
        body[name] = value;
        body
    };
    assert_eq!(wrong(PATH, &with("events", json!([]))).await, "events");
    let events = with("events", json!(["notification.acked", "all"]));
    assert_eq!(wrong(PATH, &events).await, "events[1]");
    assert_eq!(wrong(PATH, &with("secret", json!("short"))).await, "secret");
    assert_eq!(wrong("/api/v1/webhooks/a%20b", &body(good)).await, "id");
    for n in 0..10 {
        let made = site
            .put(&format!("/api/v1/webhooks/w{n}"), &token, &body(good))
            .await;
        assert_eq!(made.status, 201);
    }
    let eleventh = site.put(PATH, &token, &body(good)).await;
    assert_eq!(eleventh.problem(), (409, "too_many".to_owned()));
    for scopes in [&["publish"][..], &["read"]] {
        let half = site.scoped("acme", "app", scopes);
        assert_eq!(site.put(PATH, &half, &body(good)).await.problem().0, 403);
    }
    assert_eq!(
        site.get(PATH, &site.user("acme", "u1")).await.problem().0,
        403
    );
}
