//! Where what a handler returns acknowledges (`?acks=result`).

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use signalr::protocol::{Frames, Message, Outcome, Payload, Protocol};
use sqlx::Connection as _;
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::testing::client::Client;
use crate::testing::eventually;
use crate::testing::house::House;
use crate::testing::stream::Events;

const PHONE: &str = "device=phone&acks=result";

/// The next item's title and the id under which its result is asked for.
async fn asked(client: &mut Client) -> (String, String) {
    let (item, id) = client.asked().await;
    let title = item["title"].as_str().unwrap().to_owned();
    (title, id.expect("its result is asked for"))
}

async fn delivery(house: &House, id: &str) -> Value {
    house.read("a", id).await["deliveries"][0].clone()
}

/// Of `u1`'s device, as its row has it.
async fn reached_through(house: &House, device: &str) -> i64 {
    sqlx::query_scalar("SELECT reached_through FROM bellhop.device WHERE key = $1")
        .bind(device)
        .fetch_one(&house.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_a_handler_returns_acknowledges() {
    let house = House::open().await;
    let mut phone = house.connect(PHONE).await;
    let mut old = house.connect("device=old").await;
    let id = house.publish("a", "live").await;
    let (_, none) = old.asked().await;
    assert_eq!(none, None, "nobody else is asked");
    let (title, asked_as) = asked(&mut phone).await;
    assert_eq!(title, "live");
    phone.complete(&asked_as, json!({"result": true})).await;
    house.settled(2, 1).await;
    let delivery = delivery(&house, &id).await;
    let by_phone = delivery["devices"].as_array().unwrap().iter();
    let receipt = by_phone
        .clone()
        .find(|one| one["device"] == "phone")
        .unwrap();
    assert_eq!(receipt["via"], "hub", "an ack like any other: {delivery}");
    // Said twice it is one ack, and any value is one.
    phone.complete(&asked_as, json!({"result": true})).await;
    house.publish("a", "next").await;
    let (_, next) = asked(&mut phone).await;
    phone.complete(&next, json!({"result": {"shown": 1}})).await;
    house.settled(2, 2).await;
    phone.expect_nothing().await;
    drop(phone);
    house.connect(PHONE).await.expect_nothing().await;
}

/// The npm client 10 answers an error for a handler that returns nothing ("Client didn't provide a result."); others
/// send null, or a Completion with neither.
#[tokio::test]
async fn no_value_no_ack_and_it_comes_again() {
    let house = House::open().await;
    let outcomes = [
        json!({}),
        json!({"error": "Client didn't provide a result."}),
        json!({"result": null}),
        json!({"result": false}),
    ];
    let mut phone = house.connect(PHONE).await;
    let mut seqs = Vec::new();
    for outcome in &outcomes {
        house.publish("a", "t").await;
        let (item, id) = phone.asked().await;
        assert_eq!(item["replayed"], false);
        seqs.push(item["seq"].clone());
        phone.complete(&id.unwrap(), outcome.clone()).await;
    }
    phone.expect_nothing().await; // never twice on one connection; reading it answers the server's pings
    // What it has read counts for nothing: it acknowledges for itself.
    house.publish("a", "handled").await;
    let (_, id) = asked(&mut phone).await;
    phone.complete(&id, json!({"result": 1})).await;
    house.settled(2, 1).await;
    house.settled(0, 4).await;
    assert_eq!(reached_through(&house, "phone").await, 0);
    drop(phone);

    let mut phone = house.connect(PHONE).await;
    for seq in &seqs {
        let (item, id) = phone.asked().await;
        assert_eq!((&item["seq"], &item["replayed"]), (seq, &json!(true)));
        phone.complete(&id.unwrap(), json!({"result": "yes"})).await;
    }
    house.settled(2, 5).await;
    drop(phone);
    house.connect(PHONE).await.expect_nothing().await;
}

/// A device in `transport` beside one in `result`: what it reads is reached, as before.
#[tokio::test]
async fn a_device_beside_it_is_unaffected() {
    let house = House::open().await;
    let mut phone = house.connect(PHONE).await;
    let mut old = house.connect("device=old").await;
    let id = house.publish("a", "t").await;
    let (_, asked_as) = asked(&mut phone).await;
    old.titles(1).await;
    old.expect_nothing().await; // reading it answers the server's ping
    house.settled(1, 1).await;
    eventually(|| async { reached_through(&house, "old").await == 1 }).await;
    assert_eq!(reached_through(&house, "phone").await, 0);
    let url = house.url(&format!("/api/v1/notifications/{id}/explain?user=u1"));
    let get = house.http.get(url).bearer_auth(house.service("a"));
    let told: Value = get.send().await.unwrap().json().await.unwrap();
    let modes = |device: &str| {
        let all = told["devices"].as_array().unwrap().iter();
        all.clone()
            .find(|one| one["device"] == device)
            .map(|one| one["ack_mode"].clone())
    };
    assert_eq!(
        (modes("phone"), modes("old")),
        (Some(json!("result")), Some(json!("transport")))
    );
    let hub = &house.product.hub;
    let (rows, _) = hub.connections(house.tenant("a").await, "phone", 0, 10);
    assert_eq!((rows[0].ack_mode.as_str(), rows[0].unacked), ("result", 1));
    phone.complete(&asked_as, json!({"result": true})).await;
    house.settled(2, 1).await;
}

/// An id is a number that anybody can write: it stands for what was sent, and asked for, on this very connection.
#[tokio::test]
async fn an_id_acknowledges_nothing_that_was_not_asked_for_here() {
    let house = House::open().await;
    let id = house.publish("a", "of u1").await;
    let mut owner = house
        .connect("device=phone&acks=result&replay=manual")
        .await;
    let mut stranger = house.connect_as("a", "u2", PHONE).await;
    let mut old = house.connect("device=old").await;
    old.titles(1).await;
    for client in [&mut owner, &mut stranger, &mut old] {
        for made_up in [
            "item-1",
            "item-2",
            "item--1",
            "item-9223372036854775807",
            "1",
        ] {
            client.complete(made_up, json!({"result": true})).await;
        }
    }
    // What is recorded after those has been recorded.
    let body = json!({"kind": "NewTask", "title": "of u2", "audience": {"users": ["u2"]}});
    let (_, own) = house.post("a", &body).await;
    let (title, asked_as) = asked(&mut stranger).await;
    assert_eq!((title.as_str(), asked_as.as_str()), ("of u2", "item-1"));
    stranger.complete(&asked_as, json!({"result": true})).await;
    let own = own["id"].as_str().unwrap();
    eventually(|| async { delivery(&house, own).await["state"] == "acked" }).await;
    let state = delivery(&house, &id).await["state"].clone();
    assert_ne!(state, "acked", "{state}");
    owner.expect_nothing().await;
}

/// A thousand handlers that have not returned are enough: the rest waits in the database, and follows as they do.
#[tokio::test]
async fn a_thousand_open_results_and_the_rest_waits() {
    let house = House::open().await;
    house.owe(1_500).await;
    let mut phone = house.connect(PHONE).await;
    let mut open = Vec::new();
    for seq in 1..=1_000 {
        let (item, id) = phone.asked().await;
        assert_eq!(item["seq"], seq);
        open.push(id.unwrap());
    }
    phone.expect_nothing().await;
    // An ack by call and a failed handler make room as well.
    let answer = phone.call("AcknowledgeThrough", json!([60])).await;
    assert_eq!(answer, Ok(json!(60)));
    for id in &open[60..100] {
        phone.complete(id, json!({"error": "no"})).await;
    }
    for seq in 1_001..=1_100 {
        let (item, id) = phone.asked().await;
        assert_eq!(item["seq"], seq);
        open.push(id.unwrap());
    }
    phone.expect_nothing().await;
    for id in open.drain(..).skip(100) {
        phone.complete(&id, json!({"result": true})).await;
    }
    for seq in 1_101..=1_500 {
        let (item, id) = phone.asked().await;
        assert_eq!(item["seq"], seq);
        phone.complete(&id.unwrap(), json!({"result": true})).await;
    }
    house.settled(2, 1_460).await;
    house.settled(0, 40).await;
}

/// Nobody can be told that a result was not recorded, so it is tried again; its connection may be over by then.
#[tokio::test]
async fn a_result_that_was_not_recorded_is_recorded_later() {
    let house = House::open().await;
    let mut phone = house.connect(PHONE).await;
    let mut conn = house.pool.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    house.publish("a", "held up").await;
    sqlx::query("SELECT FROM bellhop.delivery FOR UPDATE")
        .execute(&mut *tx)
        .await
        .unwrap();
    let (_, id) = asked(&mut phone).await;
    phone.complete(&id, json!({"result": true})).await;
    phone.expect_nothing().await; // it was taken
    tx.rollback().await.unwrap();
    house.settled(2, 1).await;

    // A sequence keeps its number when what drew it is taken back.
    sqlx::raw_sql(
        "CREATE SEQUENCE refused;
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM nextval('refused'); RAISE EXCEPTION 'not today'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON bellhop.delivery EXECUTE FUNCTION refuse();",
    )
    .execute(&house.pool)
    .await
    .unwrap();
    house.publish("a", "refused").await;
    let (_, id) = asked(&mut phone).await;
    phone.complete(&id, json!({"result": true})).await;
    eventually(|| async {
        let tried: bool = sqlx::query_scalar("SELECT is_called FROM refused")
            .fetch_one(&house.pool)
            .await
            .unwrap();
        tried
    })
    .await;
    drop(phone);
    sqlx::query("DROP TRIGGER refuse ON bellhop.delivery")
        .execute(&house.pool)
        .await
        .unwrap();
    house.settled(2, 2).await;
}

/// SignalR's own replay under it: what was asked for before the socket was lost is answered after it, once.
#[tokio::test]
async fn a_result_after_a_stateful_reconnect_counts() {
    let house = House::open().await;
    let mut phone = house.connect_stateful(PHONE).await;
    house.publish("a", "before").await;
    let (_, before) = asked(&mut phone).await;
    let (mut phone, _) = phone
        .lose_socket(house.publish("a", "while away"))
        .await
        .unwrap();
    let (title, away) = asked(&mut phone).await;
    assert_eq!(title, "while away");
    phone.complete(&before, json!({"result": true})).await;
    phone.complete(&away, json!({"result": true})).await;
    house.settled(2, 2).await;
    let (mut phone, _) = phone
        .lose_socket(house.publish("a", "again away"))
        .await
        .unwrap();
    let (title, _) = asked(&mut phone).await;
    assert_eq!(title, "again away");
    phone.expect_nothing().await;
}

#[tokio::test]
async fn in_messagepack_too() {
    let house = House::open().await;
    house.publish("a", "one").await;
    house.publish("a", "two").await;
    let token = house.user("a", "u1");
    let path = format!("/hubs/workflow?access_token={token}&{PHONE}");
    let mut socket = Client::socket(house.address, &path).await.unwrap();
    let hello = b"{\"protocol\":\"messagepack\",\"version\":1}\x1e";
    socket.send(Frame::binary(&hello[..])).await.unwrap();
    let answer = socket.next().await.unwrap().unwrap().into_data();
    assert_eq!(answer[..3], *b"{}\x1e");
    let protocol = Protocol::MessagePack;
    let mut frames = Frames::new(32 * 1024);
    frames.speak(protocol);
    frames.push(answer.slice(3..));
    for result in [Payload::of(&false), Payload::of("done")] {
        let call = loop {
            let Some(frame) = frames.next_frame().unwrap() else {
                if let Frame::Binary(more) = socket.next().await.unwrap().unwrap() {
                    frames.push(more);
                }
                continue;
            };
            match protocol.decode(&frame).unwrap() {
                Some(Message::Invocation(call)) if call.target == "NewTask" => break call,
                _ => {}
            }
        };
        let completion = Message::Completion {
            id: call.id.unwrap(),
            outcome: Outcome::Value(result.unwrap()),
        };
        let frame = protocol.encode(&completion);
        socket.send(Frame::binary(frame)).await.unwrap();
    }
    house.settled(2, 1).await;
    let handled: String = sqlx::query_scalar(
        "SELECT n.title FROM bellhop.delivery d JOIN bellhop.notification n ON n.id = d.notification_id
          WHERE d.state = 2",
    )
    .fetch_one(&house.pool)
    .await
    .unwrap();
    assert_eq!(handled, "two", "false is no ack");
}

/// Nobody acknowledges those, so nobody is asked; that it was read is enough, as for other devices that ack.
#[tokio::test]
async fn a_withdrawal_asks_for_no_result() {
    let house = House::open().await;
    let mut phone = house.connect(PHONE).await;
    let id = house.publish("a", "t").await;
    asked(&mut phone).await;
    let url = house.url(&format!("/api/v1/notifications/{id}"));
    let cancel = house.http.delete(url).bearer_auth(house.service("a"));
    assert!(cancel.send().await.unwrap().status().is_success());
    let (item, none) = phone.asked().await;
    assert_eq!((&item["ids"], none), (&json!([id]), None));
    phone.expect_nothing().await; // reading it answers the server's ping
    eventually(|| async {
        let had: bool = sqlx::query_scalar(
            "SELECT through >= 2 OR acked @> 2::bigint FROM bellhop.device WHERE key = 'phone'",
        )
        .fetch_one(&house.pool)
        .await
        .unwrap();
        had
    })
    .await;
}

/// The URL says it, else the service of the token; a word that is none is told and not guessed.
#[tokio::test]
async fn how_a_device_acknowledges_is_the_urls_word_or_its_services() {
    let house = House::open().await;
    let mut wrong = house.connect_or_end("acks=results").await;
    let (error, again) = wrong.closed().await;
    assert!(
        error.is_some_and(|error| error.contains("`transport`, `explicit` or `result`")),
        "it is told"
    );
    assert!(!again);

    let put = async |acks: &str| {
        let put = house.http.put(house.url("/api/v1/services/app"));
        let put = put.bearer_auth(house.service("a"));
        let body = json!({"name": "app", "acks": acks});
        put.json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(put("result").await, 200);
    let ask =
        async |query: &str| Events::ask(house.address, &house.user("a", "u1"), query, "").await;
    let mode = async |query: &str| {
        let _client = house.connect(query).await;
        let hub = &house.product.hub;
        let (rows, _) = hub.connections(house.tenant("a").await, "", 0, 10);
        rows[0].ack_mode.clone()
    };
    // Other parts are told of a changed service right after its answer.
    eventually(|| async { mode("").await == "result" }).await;
    assert_eq!(mode("acks=Transport").await, "transport");
    assert_eq!(mode("device=d&acks=explicit").await, "explicit");
    assert_eq!(put("nothing").await, 422);

    // Nothing comes back on an event stream: its devices acknowledge by HTTP.
    for query in ["acks=result", "acks=all"] {
        let refused = ask(query).await;
        assert_eq!(refused.status(), 422);
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["field"], "acks");
    }
    let modes = |rows: Vec<app::model::admin::ConnectionRow>| -> Vec<String> {
        rows.into_iter().map(|row| row.ack_mode).collect()
    };
    let (stream, asked) = (
        house.listen("", "").await,
        house.listen("acks=transport", "").await,
    );
    let hub = &house.product.hub;
    let tenant = house.tenant("a").await;
    eventually(|| async {
        let mut all = modes(hub.connections(tenant, "", 0, 10).0);
        all.sort();
        all == ["explicit", "transport"]
    })
    .await;
    drop((stream, asked));

    // A device that asked for it and never returned anything is as new when it does not ask any more.
    assert_eq!(put("transport").await, 200);
    drop(house.connect("device=d2&acks=result").await);
    eventually(|| async { mode("device=d2").await == "transport" }).await;
    let mut phone = house.connect("device=d3&acks=result").await;
    house.publish("a", "t").await;
    let (_, id) = self::asked(&mut phone).await;
    phone.complete(&id, json!({"result": true})).await;
    house.settled(2, 1).await;
    drop(phone);
    assert_eq!(mode("device=d3").await, "explicit");
}
