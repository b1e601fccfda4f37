//! The event stream: the same promises as over SignalR, and a cursor in place of evidence.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::clock::Clock;
use crate::testing::client::Client;
use crate::testing::eventually;
use crate::testing::house::House;
use crate::testing::stream::Events;

/// Nothing but this live event came by now.
async fn expect_nothing(house: &House, events: &mut Events) {
    let answer = house
        .http
        .post(house.url("/api/v1/events"))
        .bearer_auth(house.service("a"))
        .json(&json!({"users": ["u1"], "method": "Marker", "payload": [1]}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let event = events.next().await.unwrap();
    assert_eq!(
        (event.name.as_str(), event.id, event.data),
        ("Marker", None, json!([1]))
    );
}

#[tokio::test]
async fn what_was_missed_comes_once_and_in_order_then_what_comes() {
    let house = House::open().await;
    let expected: Vec<String> = (0..250).map(|number| format!("n{number}")).collect();
    for title in &expected {
        house.publish("a", title).await;
    }
    let mut script = house.listen("device=script", "").await;
    assert_eq!(script.greeting["user"], "u1");
    assert_eq!(script.greeting["device"], "script");
    assert!((1_000..3_000).contains(&script.retry), "{}", script.retry);
    assert_eq!(script.titles(250).await, expected);
    assert_eq!(json!(script.cursor), script.greeting["cursor"]);
    house.publish("a", "live").await;
    let live = script.item().await;
    assert_eq!(
        (
            live.name.as_str(),
            &live.data["seq"],
            &live.data["replayed"]
        ),
        ("NewTask", &json!(251), &json!(false))
    );
    expect_nothing(&house, &mut script).await;
}

#[tokio::test]
async fn the_same_user_over_signalr_and_the_stream_gets_the_same_twice() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    let mut script = house.listen("device=script", "").await;
    let mut generic = house.listen("device=other&methods=notification", "").await;
    let mut stranger =
        Events::open(house.address, &house.user("b", "u1"), "device=script", "").await;
    let data = json!({"nested": {"a": [1, 2]}});
    let body = json!({"kind": "NewTask", "title": "t\nwith lines", "data": data,
        "audience": {"users": ["u1"]}});
    assert_eq!(house.post("a", &body).await.0, 202);
    let mut hub = phone.item().await;
    let event = script.item().await;
    assert_eq!(hub["target"], event.name);
    hub.as_object_mut().unwrap().remove("target");
    assert_eq!(event.data, hub);
    let event = generic.item().await;
    assert_eq!((event.name.as_str(), event.data), ("Notification", hub));
    house
        .post(
            "b",
            &json!({"kind": "K", "title": "theirs", "audience": {"users": ["u1"]}}),
        )
        .await;
    assert_eq!(stranger.titles(1).await, ["theirs"]);
    expect_nothing(&house, &mut script).await;
}

/// The cursor it comes back with says where it goes on, and proves what it had read.
#[tokio::test]
async fn cut_and_come_back_goes_on_after_the_cursor() {
    let house = House::open().await;
    let mut ids = Vec::new();
    for title in ["one", "two", "three", "four"] {
        ids.push(house.publish("a", title).await);
    }
    let mut script = house.listen("device=script", "").await;
    assert_eq!(script.titles(3).await, ["one", "two", "three"]);
    let cursor = script.cursor.clone();
    drop(script);
    house.publish("a", "five").await;
    // Until it says so nothing is known to have been read.
    let states = |id: &str| {
        let (house, id) = (&house, id.to_owned());
        async move { house.read("a", &id).await["deliveries"][0]["state"].clone() }
    };
    assert_eq!(states(&ids[0]).await, "queued");

    let mut script = house.listen("device=script", &cursor).await;
    assert_eq!(script.titles(2).await, ["four", "five"]);
    expect_nothing(&house, &mut script).await;
    house.settled(1, 3).await;
    assert_eq!(states(&ids[2]).await, "reached");
    assert_eq!(states(&ids[3]).await, "queued");
    eventually(|| async {
        let through: i64 =
            sqlx::query_scalar("SELECT reached_through FROM bellhop.device WHERE key = 'script'")
                .fetch_one(&house.pool)
                .await
                .unwrap();
        through == 3
    })
    .await;
    drop(script);
    // The query says the same, and the header is the newer of the two.
    let mut script = house
        .listen(&format!("device=script&last_event_id={cursor}"), "")
        .await;
    assert_eq!(script.titles(2).await, ["four", "five"]);
    let newer = script.cursor.clone();
    drop(script);
    let query = format!("device=script&last_event_id={cursor}");
    let mut script = house.listen(&query, &newer).await;
    expect_nothing(&house, &mut script).await;
    house.settled(1, 5).await;
}

/// A cursor beyond the last number given would swallow what is yet to come, and one of another epoch
/// counts numbers that were given out twice.
#[tokio::test]
async fn a_cursor_from_the_future_or_of_another_epoch_skips_nothing() {
    let house = House::open().await;
    house.publish("a", "one").await;
    let mut script = house.listen("device=script", "7:1").await;
    assert_eq!(script.titles(1).await, ["one"]);
    let (epoch, _) = script.cursor.split_once(':').unwrap();
    let mut other = house.listen("device=other", &format!("{epoch}:999")).await;
    house.publish("a", "two").await;
    assert_eq!(other.titles(1).await, ["two"]);
}

#[tokio::test]
async fn an_ack_over_http_counts_for_the_stream() {
    let house = House::open().await;
    let mut script = house.listen("device=script", "").await;
    let id = house.publish("a", "acked").await;
    house.publish("a", "not acked").await;
    script.titles(2).await;
    let answer = house
        .http
        .post(house.url("/api/v1/acks"))
        .bearer_auth(house.user("a", "u1"))
        .json(&json!({"ids": [id], "device": "script"}))
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer, json!({"acknowledged": 1}));
    let (rows, _) = house
        .product
        .hub
        .connections(house.tenant("a").await, "", 0, 10);
    let row = &rows[0];
    assert_eq!(
        (row.transport.as_str(), row.unacked, row.ack_mode.as_str()),
        ("Stream", 1, "explicit")
    );
    // From now on it acks for itself: its cursor says where it goes on, and proves nothing.
    let cursor = script.cursor.clone();
    drop(script);
    let mut script = house.listen("device=script", &cursor).await;
    expect_nothing(&house, &mut script).await;
    drop(script);
    let mut script = house.listen("device=script", "").await;
    let again = script.item().await.data;
    assert_eq!(
        (&again["title"], &again["replayed"]),
        (&json!("not acked"), &json!(true))
    );
}

/// More is owed than the queue and the sockets' buffers hold, and for a while nobody reads.
#[tokio::test]
async fn a_slow_reader_parks_and_gets_all_ten_thousand() {
    let house = House::open().await;
    house.owe(10_000).await;
    let mut script = house.listen("device=script", "").await;
    let tenant = house.tenant("a").await;
    eventually(|| async { house.product.hub.counts(tenant).parked == 1 }).await;
    house.publish("a", "while it is parked").await;
    for number in 1..=10_001 {
        assert_eq!(script.item().await.data["seq"], json!(number));
    }
    expect_nothing(&house, &mut script).await;
}

/// Nobody takes anything for a minute: the connection is forgotten without a word, and what was not
/// read is there when its client comes back.
#[tokio::test]
async fn a_stream_that_nobody_reads_is_forgotten_and_loses_nothing() {
    let house = House::open().await;
    house.owe(10_000).await;
    let mut script = house.listen("device=script", "").await;
    let (tenant, user) = (house.tenant("a").await, house.id_of("a", "u1").await);
    eventually(|| async { house.product.hub.counts(tenant).parked == 1 }).await;
    eventually(|| async {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(61)).await;
        tokio::time::resume();
        !house.product.hub.is_online(user)
    })
    .await;
    let mut read = 0;
    while let Some(event) = script.next().await {
        read += 1;
        assert_eq!(event.data["seq"], json!(read));
    }
    assert!((1..10_000).contains(&read), "{read}");
    let mut script = house.listen("device=script", &script.cursor).await;
    for number in read + 1..=10_000 {
        assert_eq!(script.item().await.data["seq"], json!(number));
    }
}

#[tokio::test]
async fn an_expired_token_ends_the_stream_with_leave_to_come_back() {
    let clock = Clock::manual(Clock::system().now());
    let house = House::open_at(clock.clone()).await;
    let script = house.listen("device=script", "").await;
    clock.advance(3_700_000);
    assert_eq!(
        script.ended().await,
        json!({"reason": null, "reconnect": true})
    );
    let user = house.id_of("a", "u1").await;
    eventually(|| async { !house.product.hub.is_online(user) }).await;
}

#[tokio::test]
async fn an_administrator_sees_and_ends_a_stream() {
    let house = House::open().await;
    let mut query = "device=script".to_owned();
    let script = house.listen(&query, "").await;
    let hub = &house.product.hub;
    let tenant = house.tenant("a").await;
    let (rows, total) = hub.connections(tenant, "script", 0, 10);
    assert_eq!(total, 1);
    assert_eq!(rows[0].address, "127.0.0.1");
    assert_eq!(hub.counts(tenant).stream, 1);
    assert_eq!(hub.disconnect(tenant, &[rows[0].id.clone()]), 1);
    assert_eq!(
        script.ended().await,
        json!({"reason": "Disconnected by an administrator.", "reconnect": true})
    );
    query.push_str("&methods=notification");
    let script = house.listen(&query, "").await;
    hub.welcome_again(&[house.id_of("a", "u1").await]);
    assert_eq!(script.ended().await["reconnect"], true);
    eventually(|| async { hub.counts(tenant).stream == 0 }).await;
    let metrics = house.http.get(house.url("/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in [
        "bellhop_connections_opened_total{transport=\"Stream\"} 2",
        "bellhop_connections_closed_total{transport=\"Stream\",reason=\"server\"} 2",
        "bellhop_connections{transport=\"Stream\"} 0",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn streams_count_among_the_connections_of_their_user() {
    let house = House::open().await;
    let most = house.product.parts.config.hub.user_connections;
    let token = house.user("a", "u1");
    let path = format!("/hubs/workflow?access_token={token}");
    let script = house.listen("device=script", "").await;
    let mut sockets = Vec::new();
    for _ in 1..most {
        sockets.push(Client::socket(house.address, &path).await.unwrap());
    }
    assert_eq!(Client::socket(house.address, &path).await.err(), Some(429));
    let refused = Events::ask(house.address, &token, "", "").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "5");
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["code"], "too_many_connections");
    drop(script);
    eventually(|| async { Client::socket(house.address, &path).await.is_ok() }).await;
}

#[tokio::test]
async fn a_drain_sends_streams_elsewhere() {
    let house = House::open().await;
    let mut scripts = Vec::new();
    for number in 0..5 {
        scripts.push(house.listen(&format!("device=s{number}"), "").await);
    }
    let ends = scripts.into_iter().map(Events::ended);
    let (ends, ()) = tokio::join!(futures_util::future::join_all(ends), house.product.drain());
    for end in ends {
        assert_eq!(end, json!({"reason": null, "reconnect": true}));
    }
    let refused = Events::ask(house.address, &house.user("a", "u1"), "", "").await;
    assert_eq!(refused.status(), 503);
}
