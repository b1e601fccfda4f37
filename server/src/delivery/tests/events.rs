//! Live events: to whoever is connected, losable, and never in the way of what may not be lost.

use serde_json::{Value, json};

use crate::testing::eventually;
use crate::testing::house::House;
use crate::testing::poll::Poller;

/// Status and answer.
async fn send(house: &House, tenant: &str, body: Value) -> (u16, Value) {
    let answer = house
        .http
        .post(house.url("/api/v1/events"))
        .bearer_auth(house.service(tenant))
        .json(&body)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn poller(house: &House) -> Poller {
    Poller::open(house.address, &house.user("a", "u1"), "device=slow").await
}

#[tokio::test]
async fn an_event_reaches_whom_it_names_inside_its_tenant_and_is_not_kept() {
    let house = House::open().await;
    let mut one = house.connect("device=phone").await;
    let mut other = house.connect_as("a", "u2", "device=phone").await;
    let mut stranger = house.connect_as("b", "u1", "device=phone").await;
    let sent = |count: usize| (200, json!({"sent": count, "dropped": 0}));
    for (to, count) in [
        (json!({"users": ["u1"]}), 1),
        (json!({"group": "user:u1"}), 1),
        (json!({"group": "department:dept"}), 1),
        (json!({"group": "dept:dept"}), 1),
        (json!({"group": "group:club"}), 1),
        (json!({"group": "service:app"}), 2),
        (json!({"users": ["u2", "u1", "u2"]}), 2),
    ] {
        let mut body = json!({"method": "DocumentChanged", "payload": {"n": [1, null], "by": "ö"}});
        body.as_object_mut()
            .unwrap()
            .extend(to.as_object().unwrap().clone());
        assert_eq!(send(&house, "a", body).await, sent(count), "{to}");
        let item = one.item().await;
        assert_eq!(item["target"], "DocumentChanged");
        assert_eq!(
            (&item["n"], &item["by"]),
            (&json!([1, null]), &json!("ö")),
            "the argument is the payload and nothing beside it"
        );
        assert_eq!(item.as_object().unwrap().len(), 3);
        if count == 2 {
            other.item().await;
        }
    }
    one.expect_nothing().await;
    other.expect_nothing().await;
    stranger.expect_nothing().await;

    let body = json!({"users": ["u1", "nobody", "u9"], "method": "Changed"});
    let answer = json!({"sent": 1, "dropped": 0, "unknown": ["nobody", "u9"]});
    assert_eq!(send(&house, "a", body).await, (200, answer));
    assert_eq!(one.item().await, json!({"target": "Changed"}), "null");
    let body = json!({"group": "group:nowhere", "method": "Changed"});
    let answer = json!({"sent": 0, "dropped": 0, "unknown": ["group:nowhere"]});
    assert_eq!(send(&house, "a", body).await, (200, answer));
    drop(other);
    let gone = house.id_of("a", "u2").await;
    eventually(|| async { !house.product.hub.is_online(gone) }).await;
    let body = json!({"users": ["u2"], "method": "Changed"});
    assert_eq!(
        send(&house, "a", body).await,
        sent(0),
        "known, and not here"
    );

    let rows: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM bellhop.notification) + (SELECT count(*) FROM bellhop.delivery)",
    )
    .fetch_one(&house.pool)
    .await
    .unwrap();
    assert_eq!(rows, 0);
    let metrics = house.http.get(house.url("/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains("bellhop_events_sent_total 10"),
        "{metrics}"
    );
}

/// Nobody polls while five events happen; what a screen shows now is all that is worth sending.
#[tokio::test]
async fn of_unsent_events_of_a_key_the_newest_is_sent() {
    let house = House::open().await;
    let mut slow = poller(&house).await;
    for (method, key, n) in [
        ("Moved", "a", 1),
        ("Moved", "b", 2),
        ("Moved", "a", 3),
        ("Sized", "a", 4),
        ("Moved", "a", 5),
    ] {
        let body = json!({"users": ["u1"], "method": method, "key": key, "payload": {"n": n}});
        assert_eq!(send(&house, "a", body).await.1["sent"], 1);
    }
    let mut shown = Vec::new();
    for _ in 0..3 {
        let event = slow.next().await;
        shown.push((event["target"].clone(), event["arguments"][0]["n"].clone()));
    }
    let expected = [("Moved", 5), ("Moved", 2), ("Sized", 4)];
    assert_eq!(
        shown,
        expected
            .map(|(method, n)| (json!(method), json!(n)))
            .to_vec()
    );
    let (_, more) = slow.call("LeaveGroup", json!(["inbox"])).await;
    assert_eq!(more, Vec::<Value>::new());
}

/// A queue that is full of what may not be lost takes no event without a key, and keeps the newest of
/// a key it holds; what may not be lost comes whole.
#[tokio::test]
async fn a_full_queue_takes_no_events_and_loses_no_items() {
    let house = House::open().await;
    let mut slow = poller(&house).await;
    // Its first call begins the replay, so that what is published now is live.
    slow.call("LeaveGroup", json!(["inbox"])).await;
    let event = |key: Option<&str>, n: i64| {
        let mut body = json!({"users": ["u1"], "method": "Moved", "payload": {"n": n}});
        if let Some(key) = key {
            body["key"] = json!(key);
        }
        body
    };
    send(&house, "a", event(Some("a"), 1)).await;
    let mut expected = Vec::new();
    for number in 0..12 {
        let title = format!("n{number}");
        let body = json!({"kind": "NewTask", "title": title, "body": "x".repeat(8_000),
            "audience": {"users": ["u1"]}});
        assert_eq!(house.post("a", &body).await.0, 202);
        expected.push(json!(title));
    }
    let tenant = sqlx::query_scalar("SELECT id FROM bellhop.tenant WHERE key = 'a'")
        .fetch_one(&house.pool)
        .await
        .unwrap();
    eventually(|| async { house.product.hub.counts(tenant).parked == 1 }).await;
    let dropped = json!({"sent": 0, "dropped": 1});
    assert_eq!(send(&house, "a", event(None, 2)).await.1, dropped);
    assert_eq!(send(&house, "a", event(Some("a"), 3)).await.1["sent"], 1);

    let (mut titles, mut events) = (Vec::new(), Vec::new());
    while titles.len() < expected.len() {
        let message = slow.next().await;
        let argument = &message["arguments"][0];
        match message["target"].as_str().unwrap() {
            "NewTask" => titles.push(argument["title"].clone()),
            _ => events.push(argument["n"].clone()),
        }
    }
    assert_eq!(titles, expected);
    assert_eq!(events, [json!(3)]);
    let metrics = house.http.get(house.url("/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains("bellhop_events_dropped_total 1"),
        "{metrics}"
    );
}

/// Who has a request's screen open gets its events; the other topics of the screens are not to be had.
#[tokio::test]
async fn an_event_to_a_screen_goes_to_those_who_joined_it() {
    let house = House::open().await;
    sqlx::query("UPDATE bellhop.user_account SET roles = '{employee,hr}' WHERE key = 'u1'")
        .execute(&house.pool)
        .await
        .unwrap();
    let mut joined = house.connect("device=desk").await;
    let mut absent = house.connect("device=phone").await;
    joined
        .call("JoinGroup", json!(["attendance"]))
        .await
        .unwrap();
    let body = json!({"group": "attendance", "method": "Moved", "payload": {}});
    assert_eq!(send(&house, "a", body).await.1["sent"], 1);
    assert_eq!(joined.item().await["target"], "Moved");
    absent.expect_nothing().await;
    let user = house.id_of("a", "u1").await;
    for group in ["inbox", "admin:queued", &format!("inbox:{user}")] {
        let body = json!({"group": group, "method": "Moved"});
        let (status, answer) = send(&house, "a", body).await;
        assert_eq!((status, &answer["field"]), (422, &json!("group")));
    }
}
