//! What a connection says of the person behind it: whether the app is in front, and who types.

use serde_json::{Value, json};

use crate::testing::client::Client;
use crate::testing::eventually;
use crate::testing::house::House;
use crate::testing::poll::Poller;

/// What was noted before this is recorded now: notes and acks pass the same queue.
async fn noted(house: &House) {
    let answer = house
        .http
        .post(house.url("/api/v1/acks"))
        .bearer_auth(house.user("a", "u2"))
        .json(&json!({"ids": []}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

async fn state(house: &House, id: &str) -> Value {
    house.read("a", id).await["deliveries"][0]["state"].clone()
}

/// The system may answer for an app that it has frozen: nothing counts as reached until it is back.
#[tokio::test]
async fn what_comes_to_the_background_is_not_reached_before_the_app_is_back() {
    let house = House::open().await;
    let token = house.user("a", "u1");
    let mut app = Poller::open(house.address, &token, "device=phone").await;
    let (news, _) = app.call("SetAppState", json!(["background"])).await;
    assert_eq!(news, true);
    let id = house.publish("a", "one").await;
    assert_eq!(app.next().await["target"], "NewTask");
    // A poll after the answer is evidence, and is not counted.
    let (news, _) = app.call("SetAppState", json!(["Background"])).await;
    assert_eq!(news, false, "that was known");
    noted(&house).await;
    assert_eq!(state(&house, &id).await, "queued");

    app.call("SetAppState", json!(["active"])).await;
    app.call("LeaveGroup", json!(["inbox"])).await;
    house.settled(1, 1).await;
    assert_eq!(state(&house, &id).await, "reached");
}

/// Back in front it is asked at once: there may be no next item to ask after.
#[tokio::test]
async fn an_app_that_is_back_is_asked_for_what_came_meanwhile() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    phone
        .call("SetAppState", json!(["background"]))
        .await
        .unwrap();
    let id = house.publish("a", "one").await;
    phone.titles(1).await;
    phone.expect_nothing().await;
    noted(&house).await;
    assert_eq!(state(&house, &id).await, "queued");
    phone.call("SetAppState", json!(["active"])).await.unwrap();
    phone.expect_nothing().await; // reading it answers the server's ping
    house.settled(1, 1).await;
}

#[tokio::test]
async fn a_user_is_active_while_one_connection_is() {
    let house = House::open().await;
    let (hub, tenant) = (&house.product.hub, house.tenant("a").await);
    let user = house.id_of("a", "u1").await;
    assert!(!hub.is_active(user));
    let script = house.listen("device=script", "").await;
    assert!(!hub.is_active(user) && hub.is_online(user), "it cannot say");
    let (rows, _) = hub.connections(tenant, "script", 0, 10);
    assert!(!rows[0].background);
    drop(script);
    let mut phone = house.connect("device=phone").await;
    let mut desk = house.connect("device=desk").await;
    assert!(hub.is_active(user));
    phone
        .call("SetAppState", json!(["background"]))
        .await
        .unwrap();
    assert!(hub.is_active(user));
    let (rows, _) = hub.connections(tenant, "phone", 0, 10);
    assert!(rows[0].background);
    desk.call("SetAppState", json!(["background"]))
        .await
        .unwrap();
    assert!(!hub.is_active(user) && hub.is_online(user));
    let refused = desk.call("SetAppState", json!(["asleep"])).await;
    assert!(refused.unwrap_err().contains("\"background\""));
    drop(phone);
    desk.call("SetAppState", json!(["active"])).await.unwrap();
    assert!(hub.is_active(user));
    drop(desk);
    eventually(|| async { !hub.is_active(user) }).await;
}

/// Publishes into a thread; its id.
async fn into_thread(house: &House, users: &[&str]) -> Value {
    let body =
        json!({"kind": "Note", "title": "t", "thread_key": "case:7", "audience": {"users": users}});
    let (status, answer) = house.post("a", &body).await;
    assert_eq!(status, 202, "{answer}");
    answer["id"].clone()
}

/// Past the notifications: whatever else comes before the marker.
async fn until_marker(house: &House, user: &str, client: &mut Client) -> Vec<Value> {
    let marker = json!({"users": [user], "method": "Marker"});
    let sent = house
        .http
        .post(house.url("/api/v1/events"))
        .bearer_auth(house.service("a"))
        .json(&marker);
    assert_eq!(sent.send().await.unwrap().status(), 200);
    let mut others = Vec::new();
    loop {
        let item = client.item().await;
        match item["target"].as_str().unwrap() {
            "Marker" => return others,
            "Note" => {}
            _ => others.push(item),
        }
    }
}

#[tokio::test]
async fn who_reads_is_told_to_the_others_of_the_thread_if_the_tenant_wants_it() {
    let house = House::open().await;
    let put = async |path: &str, body: Value| {
        let request = house
            .http
            .put(house.url(path))
            .bearer_auth(house.service("a"));
        request.json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(
        put("/api/v1/users/u3", json!({"name": "User u3"})).await,
        201
    );
    let mut reader = house.connect("device=phone").await;
    let mut own = house.connect("device=desk").await;
    let mut other = house.connect_as("a", "u2", "device=phone").await;
    let mut stranger = house.connect_as("a", "u3", "device=phone").await;
    let first = into_thread(&house, &["u1", "u2"]).await;
    reader.call("MarkRead", json!([[first]])).await.unwrap();
    assert!(
        until_marker(&house, "u2", &mut other).await.is_empty(),
        "it is off"
    );

    assert_eq!(
        put("/api/v1/read-receipts", json!({"enabled": true})).await,
        204
    );
    // To the reader alone, but into the thread of both; and something without a thread.
    let second = into_thread(&house, &["u1"]).await;
    let alone = house.publish("a", "without a thread").await;
    let ids = json!([[second, alone, first]]);
    reader.call("MarkRead", ids.clone()).await.unwrap();
    reader.call("MarkRead", ids).await.unwrap();
    let told = until_marker(&house, "u2", &mut other).await;
    assert_eq!(told.len(), 1, "once: {told:?}");
    let mut receipt = told[0].clone();
    assert!(receipt["at"].take().is_string());
    assert_eq!(
        receipt,
        json!({"target": "ReadReceipt", "threadKey": "case:7", "notificationId": second, "user": "u1",
               "name": "User u1", "at": null})
    );
    for (user, client) in [("u1", &mut own), ("u3", &mut stranger)] {
        let told = until_marker(&house, user, client).await;
        assert!(
            !told.iter().any(|item| item["target"] == "ReadReceipt"),
            "{user}: {told:?}"
        );
    }
}

/// The first invocation of `Typing`; what else comes is the request's own.
async fn typing(client: &mut Client) -> Value {
    loop {
        let item = client.item().await;
        if item["target"] == "Typing" {
            return item;
        }
    }
}

#[tokio::test]
async fn who_types_is_told_to_the_others_who_have_the_request_open() {
    let house = House::open().await;
    let body = json!({"kind": "purchase", "subject": "Stands", "requester": "u1",
        "approvers": ["u2"], "source_id": "1"});
    let answer = house
        .http
        .post(house.url("/api/v1/requests"))
        .bearer_auth(house.service("a"))
        .json(&body)
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    let thread = format!("request:{}", answer["id"].as_str().unwrap());

    let mut typist = house.connect("device=phone").await;
    let mut own = house.connect("device=desk").await;
    let mut other = house.connect_as("a", "u2", "device=desk").await;
    let mut absent = house.connect_as("a", "u2", "device=phone").await;
    let mut stranger = house.connect_as("b", "u1", "device=phone").await;
    let refused = typist.call("Typing", json!([thread])).await;
    assert!(refused.unwrap_err().contains("You are not in"));
    for client in [&mut typist, &mut own, &mut other] {
        client.call("JoinGroup", json!([thread])).await.unwrap();
    }
    stranger
        .call("JoinGroup", json!([thread]))
        .await
        .unwrap_err();
    stranger.call("Typing", json!([thread])).await.unwrap_err();
    typist.call("Typing", json!(["inbox"])).await.unwrap_err();

    assert_eq!(
        typist.call("Typing", json!([thread])).await,
        Ok(json!(true))
    );
    let told = json!({"target": "Typing", "thread": thread, "user": "u1", "name": "User u1"});
    assert_eq!(typing(&mut other).await, told);
    own.expect_nothing().await;
    typist.expect_nothing().await;
    assert_eq!(other.call("Typing", json!([thread])).await, Ok(json!(true)));
    assert_eq!(typing(&mut own).await["user"], "u2");
    assert_eq!(typing(&mut typist).await["user"], "u2");
    // Who does not have it open got the task, unless the other had read it before, and nothing else.
    let marker = json!({"users": ["u2"], "method": "Marker"});
    let sent = house
        .http
        .post(house.url("/api/v1/events"))
        .bearer_auth(house.service("a"))
        .json(&marker);
    assert_eq!(sent.send().await.unwrap().status(), 200);
    loop {
        let item = absent.item().await;
        match item["target"].as_str().unwrap() {
            "Marker" => break,
            other => assert_eq!(other, "NewTask"),
        }
    }
    // Left is left.
    typist.call("LeaveGroup", json!([thread])).await.unwrap();
    typist.call("Typing", json!([thread])).await.unwrap_err();
}
