//! A publisher follows what becomes of a notification.

use serde_json::{Value, json};

use crate::testing::house::House;
use crate::testing::stream::{Event, Events};

async fn publish(house: &House) -> String {
    let body = json!({"kind": "NewTask", "title": "one", "class": "decision",
        "audience": {"users": ["u1", "u2"]}});
    let (status, answer) = house.post("a", &body).await;
    assert_eq!(status, 202, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

async fn follow(house: &House, id: &str) -> Events {
    let path = format!("/api/v1/notifications/{id}/receipts");
    Events::follow(house.address, &house.service("a"), &path).await
}

/// The next whose numbers are so; what comes before it may have been passed over.
async fn so(events: &mut Events, what: impl Fn(&Value) -> bool) -> Event {
    loop {
        let event = events.next().await.expect("the stream goes on");
        if what(&event.data) {
            return event;
        }
    }
}

#[tokio::test]
async fn the_numbers_come_as_they_change_and_the_stream_ends_with_the_last() {
    let house = House::open().await;
    let id = publish(&house).await;
    let mut events = follow(&house, &id).await;
    let first = events.next().await.unwrap();
    assert_eq!((first.name.as_str(), first.id), ("receipts", None));
    assert_eq!(
        first.data,
        json!({"recipients": 2, "queued": 2, "reached": 0, "acked": 0, "read": 0, "seen": 0, "expired": 0,
               "dead": 0, "cancelled": 0, "settled": false})
    );
    let mut one = house.connect("device=phone").await;
    one.call("AcknowledgeNotification", json!([id]))
        .await
        .unwrap();
    so(&mut events, |data| {
        data["acked"] == 1 && data["queued"] == 1
    })
    .await;
    one.call("MarkRead", json!([[id]])).await.unwrap();
    so(&mut events, |data| data["read"] == 1 && data["seen"] == 1).await;
    let mut other = house.connect_as("a", "u2", "device=phone").await;
    other
        .call("AcknowledgeNotification", json!([id]))
        .await
        .unwrap();
    let last = so(&mut events, |data| data["settled"] == true).await;
    assert_eq!(last.name, "receipts");
    let end = events.next().await.unwrap();
    assert_eq!((end.name.as_str(), &end.data), ("end", &last.data));
    assert!(events.next().await.is_none());
    assert!(!house.product.watch.is_any(), "nobody watches any more");
}

/// Twenty recipients ack at once: the reader is told at most four times a second, and the last number.
#[tokio::test]
async fn what_changes_fast_is_told_a_few_times_and_at_last() {
    let house = House::open().await;
    let id = publish(&house).await;
    let mut events = follow(&house, &id).await;
    let begun = tokio::time::Instant::now();
    let mut one = house.connect("device=phone").await;
    for _ in 0..50 {
        for call in ["MarkRead", "Archive"] {
            one.call(call, json!([[id]])).await.unwrap();
        }
        sqlx::query("UPDATE bellhop.delivery SET read_at = NULL, archived_at = NULL")
            .execute(&house.pool)
            .await
            .unwrap();
    }
    one.call("MarkRead", json!([[id]])).await.unwrap();
    one.call("AcknowledgeNotification", json!([id]))
        .await
        .unwrap();
    let mut told = 0;
    loop {
        let event = events.next().await.unwrap();
        told += 1;
        if event.data["acked"] == 1 && event.data["read"] == 1 {
            break;
        }
    }
    let most = begun.elapsed().as_millis() / 250 + 2;
    assert!(told <= most, "{told} events where {most} are allowed");
}

#[tokio::test]
async fn what_others_did_is_found_and_a_cancelled_one_ends() {
    let house = House::open().await;
    let id = publish(&house).await;
    let mut events = follow(&house, &id).await;
    events.next().await.unwrap();
    // Another node expired one: nobody here was told.
    sqlx::query("UPDATE bellhop.delivery SET state = 3 WHERE seq = 1 AND user_id = $1")
        .bind(house.id_of("a", "u2").await)
        .execute(&house.pool)
        .await
        .unwrap();
    so(&mut events, |data| data["expired"] == 1).await;
    let taken_back = house
        .http
        .delete(house.url(&format!("/api/v1/notifications/{id}")))
        .bearer_auth(house.service("a"));
    assert_eq!(taken_back.send().await.unwrap().status(), 200);
    let end = so(&mut events, |data| data["cancelled"] == 1).await;
    assert_eq!(end.data["settled"], true);
    assert_eq!(events.next().await.unwrap().name, "end");
}

#[tokio::test]
async fn only_the_publisher_follows_and_not_without_bound() {
    let house = House::open().await;
    let id = publish(&house).await;
    let path = format!("/api/v1/notifications/{id}/receipts");
    let status = async |token: String, path: String| {
        let request = house.http.get(house.url(&path)).bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(house.service("b"), path.clone()).await, 404);
    assert_eq!(status(house.user("a", "u1"), path.clone()).await, 403);
    let wrong = "/api/v1/notifications/nonsense/receipts".to_owned();
    assert_eq!(status(house.service("a"), wrong).await, 404);
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(follow(&house, &id).await);
    }
    assert_eq!(status(house.service("a"), path.clone()).await, 429);
    drop(open);
    crate::testing::eventually(async || !house.product.watch.is_any()).await;
    assert_eq!(
        follow(&house, &id).await.next().await.unwrap().name,
        "receipts"
    );
}

#[tokio::test]
async fn a_stop_sends_who_follows_elsewhere() {
    let house = House::open().await;
    let id = publish(&house).await;
    let mut events = follow(&house, &id).await;
    events.next().await.unwrap();
    house.product.parts.life.stop();
    assert_eq!(
        events.ended().await,
        json!({"reason": null, "reconnect": true})
    );
}
