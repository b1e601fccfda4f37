//! Order and replay on a connection.

use serde_json::json;

use crate::testing::house::House;

#[tokio::test]
async fn what_was_missed_comes_once_and_in_order() {
    let house = House::open().await;
    let expected: Vec<String> = (0..250).map(|number| format!("n{number}")).collect();
    for title in &expected {
        house.publish("a", title).await;
    }
    let mut phone = house.connect("device=phone").await;
    assert_eq!(
        phone.titles(250).await,
        expected,
        "three pages of at most 100"
    );
    house.publish("a", "live").await;
    assert_eq!(phone.titles(1).await, ["live"]);
    phone.expect_nothing().await;
}

/// The ack was lost with its socket: the item comes again, flagged, under the same id.
#[tokio::test]
async fn ack_lost_then_replay_is_flagged_and_deduped() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    let first = house.publish("a", "acked").await;
    phone.item().await;
    phone
        .call("AcknowledgeNotification", json!([first]))
        .await
        .unwrap();
    let second = house.publish("a", "ack lost").await;
    assert_eq!(phone.item().await["replayed"], false);
    drop(phone);

    let mut phone = house.connect("device=phone").await;
    let again = phone.item().await;
    assert_eq!(
        (&again["notificationId"], &again["replayed"]),
        (&json!(second), &json!(true))
    );
    assert_eq!(
        phone.call("AcknowledgeThrough", json!([2])).await,
        Ok(json!(1))
    );
    drop(phone);
    house.connect("device=phone").await.expect_nothing().await;
}

/// Replay before `start()` returned was a console warning and gone: with `replay=manual` nothing
/// comes before Resume, and Resume acknowledges nothing.
#[tokio::test]
async fn handlers_registered_after_start() {
    let house = House::open().await;
    for title in ["one", "two", "three"] {
        house.publish("a", title).await;
    }
    let mut phone = house.connect("device=phone&replay=manual").await;
    // A call of another kind begins it too: by then `start()` has returned.
    let cursor = phone.greeting["cursor"].as_str().unwrap().to_owned();
    let (epoch, last) = cursor.split_once(':').unwrap();
    assert_eq!(last, "3");
    assert_eq!(
        phone.call("Resume", json!([format!("{epoch}:1")])).await,
        Ok(json!(true))
    );
    assert_eq!(phone.titles(2).await, ["two", "three"]);
    assert_eq!(
        phone.call("Resume", json!([format!("{epoch}:0")])).await,
        Ok(json!(false))
    );
    phone.expect_nothing().await;
    drop(phone);
    // It acknowledged nothing: what the cursor passed over is still owed to another device.
    assert_eq!(
        house.connect("device=tablet").await.titles(1).await,
        ["one"]
    );
}

/// A cursor beyond the last number given swallowed what was yet to come.
#[tokio::test]
async fn a_cursor_from_the_future_or_of_another_epoch_skips_nothing() {
    let house = House::open().await;
    house.publish("a", "one").await;
    let mut phone = house.connect("device=phone&replay=manual").await;
    phone.call("Resume", json!(["1:999"])).await.unwrap();
    // It acks for itself, so that what it only read stays owed to others.
    phone.call("AcknowledgeMany", json!([[]])).await.unwrap();
    house.publish("a", "two").await;
    assert_eq!(phone.titles(1).await, ["two"]);
    drop(phone);
    let mut tablet = house.connect("device=tablet&replay=manual").await;
    tablet.call("Resume", json!(["7:2"])).await.unwrap();
    assert_eq!(tablet.titles(2).await, ["one", "two"]);
}

#[tokio::test]
async fn one_invocation_per_item_for_a_client_that_wants_notification() {
    let house = House::open().await;
    let mut own = house.connect("device=a").await;
    let mut generic = house.connect("device=b&methods=notification").await;
    house.publish("a", "t").await;
    assert_eq!(own.item().await["target"], "NewTask");
    let item = generic.item().await;
    assert_eq!(
        (&item["target"], &item["kind"]),
        (&json!("Notification"), &json!("NewTask"))
    );
    own.expect_nothing().await;
    generic.expect_nothing().await;
}

/// A change of the API as the tenant's back end makes it.
async fn put(house: &House, path: &str, body: serde_json::Value) {
    let url = house.url(&format!("/api/v1{path}"));
    let put = house.http.put(url).bearer_auth(house.service("a"));
    assert_eq!(put.json(&body).send().await.unwrap().status(), 204);
}

async fn publish(house: &House, tenant: &str, kind: &str) {
    let body = json!({"kind": kind, "title": kind, "audience": {"users": ["u1"]}});
    let (status, answer) = house.post(tenant, &body).await;
    assert_eq!(status, 202, "{answer}");
}

/// A client had handlers for the kinds it knew, and every later kind was a warning in its log and gone. With both,
/// the kind's method and `Notification`, it showed the known ones twice.
#[tokio::test]
async fn one_invocation_per_item_for_unknown_kind() {
    let house = House::open().await;
    put(&house, "/kinds/Fire", json!({})).await;
    put(&house, "/unknown-kinds", json!({"invoke": "notification"})).await;
    // A kind of the product's own, one that was made known, and one that nobody has heard of.
    let kinds = ["NewTask", "Fire", "Flood"];
    let as_methods = ["NewTask", "Fire", "Notification"];

    let mut phone = house.connect("device=phone").await;
    let mut generic = house.connect("device=tablet&methods=notification").await;
    let mut stream = house.listen("device=script", "").await;
    for kind in kinds {
        publish(&house, "a", kind).await;
    }
    // The event stream has the same names.
    for method in as_methods {
        assert_eq!(stream.item().await.name, method);
    }
    for (kind, method) in kinds.into_iter().zip(as_methods) {
        for (client, method) in [(&mut phone, method), (&mut generic, "Notification")] {
            let item = client.item().await;
            assert_eq!(
                (&item["target"], &item["kind"], &item["replayed"]),
                (&json!(method), &json!(kind), &json!(false))
            );
        }
    }
    for client in [&mut phone, &mut generic] {
        client.expect_nothing().await;
        client.call("AcknowledgeMany", json!([[]])).await.unwrap();
    }
    drop((phone, generic));

    // Replayed the same way: they have acknowledged none.
    for (query, methods) in [
        ("device=phone", as_methods),
        ("device=tablet&methods=notification", ["Notification"; 3]),
    ] {
        let mut client = house.connect(query).await;
        for (kind, method) in kinds.into_iter().zip(methods) {
            let item = client.item().await;
            assert_eq!(
                (&item["target"], &item["kind"], &item["replayed"]),
                (&json!(method), &json!(kind), &json!(true))
            );
        }
        client.expect_nothing().await;
    }
    // A change counts from its answer on, and for nobody else.
    let mut phone = house.connect("device=phone").await;
    for _ in kinds {
        phone.item().await;
    }
    let mut stranger = house.connect_as("b", "u1", "device=phone").await;
    publish(&house, "b", "Flood").await;
    assert_eq!(stranger.item().await["target"], "Flood");
    put(&house, "/kinds/Flood", json!({"class": "urgent"})).await;
    publish(&house, "a", "Flood").await;
    assert_eq!(phone.item().await["target"], "Flood");
    put(&house, "/unknown-kinds", json!({"invoke": "kind"})).await;
    publish(&house, "a", "Storm").await;
    assert_eq!(phone.item().await["target"], "Storm");
}

/// More is owed than a connection's queue may hold: it parks and goes on, whole and in order.
#[tokio::test]
async fn ten_thousand_unacked_pages_within_bound() {
    let house = House::open().await;
    house.owe(10_000).await;
    let mut phone = house.connect("device=phone").await;
    for number in 1..=10_000 {
        assert_eq!(phone.item().await["seq"], json!(number));
    }
    assert_eq!(
        phone.call("AcknowledgeThrough", json!([10_000])).await,
        Ok(json!(10_000))
    );
    house.settled(2, 10_000).await;
}
