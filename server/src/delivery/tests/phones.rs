//! Through the whole house: a phone registers over the hub, goes away, is pushed to, and acknowledges by HTTP.

use serde_json::{Value, json};

use crate::support::clock::Clock;
use crate::testing::eventually;
use crate::testing::house::House;
use crate::testing::phones::Makers;

async fn ack(house: &House, credential: &str, body: Value) -> (u16, Value) {
    let answer = house
        .http
        .post(house.url("/api/v1/acks"))
        .bearer_auth(credential)
        .json(&body)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_phone_that_is_away_is_pushed_to_and_acknowledges_with_its_own_credential() {
    let clock = Clock::system();
    let makers = Makers::open(&clock).await;
    let house = House::open_beside(&makers, clock).await;
    let device = makers.phone();
    let mut phone = house.connect("device=phone").await;
    assert!(phone.greeting["vapidPublicKey"].is_string());
    let registered = phone
        .call(
            "RegisterPushToken",
            json!([device.platform, device.token_or_subscription]),
        )
        .await
        .unwrap();
    let credential = registered["credential"].as_str().unwrap().to_owned();
    drop(phone);

    // Urgent: its first rung pushes.
    sqlx::query(
        "INSERT INTO bellhop.class SELECT id, 'at_once', $1, now() FROM bellhop.tenant WHERE key = 'a'",
    )
    .bind(r#"{"life":3600,"ladder":[{"after":1,"do":"push"}],"push":{"title":"Look","fields":["link"]}}"#)
    .execute(&house.pool)
    .await
    .unwrap();
    house.product.workplace.classes.reload().await.unwrap();
    let body = json!({"kind": "NewTask", "title": "secret words", "class": "at_once",
                      "data": {"link": "/approvals"}, "audience": {"users": ["u1"]}});
    let (status, answer) = house.post("a", &body).await;
    assert_eq!(status, 202, "{answer}");
    let id = answer["id"].as_str().unwrap().to_owned();
    eventually(async || makers.screen(&device) == ["Look"]).await;
    let whole = makers.stand_ins.look(&device.id).unwrap().to_string();
    assert!(
        whole.contains("/approvals") && !whole.contains("secret words"),
        "{whole}"
    );

    // Its credential acknowledges, and does nothing else.
    let (status, answer) = ack(&house, &credential, json!({"ids": [id], "via": "push"})).await;
    assert_eq!((status, answer), (200, json!({"acknowledged": 1})));
    let delivery = &house.read("a", &id).await["deliveries"][0];
    assert_eq!(delivery["state"], "acked");
    assert_eq!(delivery["devices"][0]["device"], "phone");
    assert_eq!(delivery["devices"][0]["via"], "push");
    // What it has said it shows, it goes on showing, until somebody has looked.
    assert_eq!(makers.screen(&device), ["Look"]);
    let (status, _) = ack(&house, &credential, json!({"ids": [id], "via": "tap"})).await;
    assert_eq!(status, 200);
    eventually(async || makers.screen(&device).is_empty()).await;
    let reading = house.http.get(house.url("/api/v1/notifications/x"));
    let refused = reading.bearer_auth(&credential).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    let negotiate = house.url("/hubs/workflow/negotiate?negotiateVersion=1");
    let refused = house
        .http
        .post(negotiate)
        .bearer_auth(&credential)
        .send()
        .await
        .unwrap();
    assert!(refused.status().is_client_error() || refused.status().is_success());
    let old = json!({"ids": [id], "at": "2020-01-01T00:00:00Z"});
    assert_eq!(ack(&house, &credential, old).await.1["field"], "at");

    // Signed out: no pushes, no acks.
    let mut phone = house.connect("device=phone").await;
    assert_eq!(
        phone.call("UnregisterPushToken", json!([])).await,
        Ok(json!(true))
    );
    assert_eq!(ack(&house, &credential, json!({"ids": [id]})).await.0, 401);
}

#[tokio::test]
async fn a_registration_that_cannot_be_pushed_to_is_refused_with_the_cure() {
    let clock = Clock::system();
    let makers = Makers::open(&clock).await;
    let house = House::open_beside(&makers, clock).await;
    let mut unnamed = house.connect("").await;
    let mut phone = house.connect("device=phone").await;
    let long = "x".repeat(5_000);
    for (named, platform, token, word) in [
        (false, "fcm", "x", "device"),
        (true, "apns", "x", "platform"),
        (true, "fcm", "", "tokenOrSubscription"),
        (true, "fcm", long.as_str(), "tokenOrSubscription"),
        (true, "webpush", "{}", "endpoint"),
    ] {
        let client = if named { &mut phone } else { &mut unnamed };
        let refused = client
            .call("RegisterPushToken", json!([platform, token]))
            .await;
        let error = refused.unwrap_err();
        assert!(error.contains(word), "{platform} {token:.10}: {error}");
    }
}
