//! One `Backlog` in place of a storm.

use serde_json::{Value, json};

use crate::testing::client::Client;
use crate::testing::house::House;

/// Of tenant `a`: more than three come in sum.
async fn chatty(house: &House) {
    sqlx::query(
        "INSERT INTO bellhop.class SELECT id, 'chatty', '{\"life\":3600,\"backlog\":3}', now()
           FROM bellhop.tenant WHERE key = 'a'",
    )
    .execute(&house.pool)
    .await
    .unwrap();
    house.product.workplace.classes.reload().await.unwrap();
}

async fn publish(house: &House, title: &str) -> String {
    let body = json!({"kind": "NewTask", "title": title, "class": "chatty", "audience": {"users": ["u1"]}});
    let (status, answer) = house.post("a", &body).await;
    assert_eq!(status, 202, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

async fn backlog(client: &mut Client) -> Value {
    let mut told = client.item().await;
    assert_eq!(told["target"], json!("Backlog"), "{told}");
    told.as_object_mut().unwrap().remove("target");
    told
}

/// A device that acknowledges by itself, and has not yet: what it read is still owed to others.
async fn silent(house: &House, query: &str) -> Client {
    let mut phone = house.connect(&format!("{query}&replay=manual")).await;
    phone.call("AcknowledgeMany", json!([[]])).await.unwrap();
    phone
}

fn titles(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["title"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn beyond_its_bound_a_class_comes_in_sum_and_the_rest_one_by_one() {
    let house = House::open().await;
    chatty(&house).await;
    for number in 1..=3 {
        publish(&house, &format!("chat {number}")).await;
    }
    house.publish("a", "important").await;
    // As many as may come.
    let mut phone = silent(&house, "device=first").await;
    assert_eq!(
        phone.titles(4).await,
        ["chat 1", "chat 2", "chat 3", "important"]
    );
    publish(&house, "chat 4").await;
    assert_eq!(phone.titles(1).await, ["chat 4"], "live it is one more");
    drop(phone);

    let mut phone = house.connect("device=second").await;
    let told = backlog(&mut phone).await;
    assert_eq!(told, json!({"class": "chatty", "count": 4, "through": 5}));
    assert_eq!(phone.titles(1).await, ["important"]);
    publish(&house, "chat 5").await;
    assert_eq!(phone.titles(1).await, ["chat 5"]);
    phone.expect_nothing().await;

    // They are owed until they are handled.
    let page = phone
        .call("GetBacklog", json!(["chatty", 0]))
        .await
        .unwrap();
    assert_eq!(titles(&page), ["chat 1", "chat 2", "chat 3", "chat 4"]);
    let first = &page["items"][0];
    assert_eq!(
        (
            &first["seq"],
            &first["kind"],
            &first["replayed"],
            &page["next"]
        ),
        (&json!(1), &json!("NewTask"), &json!(true), &json!(null))
    );
    let page = phone
        .call("GetBacklog", json!(["chatty", 3]))
        .await
        .unwrap();
    assert_eq!(titles(&page), ["chat 4"]);
    let through = phone.call("AcknowledgeThrough", json!([told["through"]]));
    assert_eq!(through.await, Ok(json!(5)));
    drop(phone);
    let mut phone = house.connect("device=second").await;
    assert_eq!(phone.titles(1).await, ["chat 5"]);
}

/// Pages of a hundred, of which other classes take their part.
#[tokio::test]
async fn a_long_backlog_is_read_page_by_page() {
    let house = House::open().await;
    chatty(&house).await;
    house.owe(250).await;
    sqlx::query("UPDATE bellhop.notification SET class = 'chatty' WHERE title <> 't200'")
        .execute(&house.pool)
        .await
        .unwrap();
    let mut phone = house.connect("device=phone").await;
    let told = backlog(&mut phone).await;
    assert_eq!(
        told,
        json!({"class": "chatty", "count": 249, "through": 250})
    );
    assert_eq!(phone.titles(1).await, ["t200"]);
    let (mut after, mut found) = (json!(0), Vec::new());
    while after != Value::Null {
        let page = phone
            .call("GetBacklog", json!(["chatty", after]))
            .await
            .unwrap();
        found.extend(titles(&page).into_iter().map(str::to_owned));
        after = page["next"].clone();
    }
    let expected: Vec<String> = (1..=250)
        .filter(|n| *n != 200)
        .map(|n| format!("t{n}"))
        .collect();
    assert_eq!(found, expected);
    phone.expect_nothing().await;
}

/// Whoever cannot do with a number gets each: by its own wish, and an event stream, whose cursor says that all before it was
/// read. And what is asked that was not told is named.
#[tokio::test]
async fn who_wants_each_gets_each() {
    let house = House::open().await;
    chatty(&house).await;
    let expected: Vec<String> = (0..5).map(|number| format!("chat {number}")).collect();
    for title in &expected {
        publish(&house, title).await;
    }
    let mut phone = silent(&house, "device=phone&backlog=all").await;
    assert_eq!(phone.titles(5).await, expected);
    let refused = phone.call("GetBacklog", json!(["chatty", 0])).await;
    assert_eq!(
        refused,
        Err("An unexpected error occurred invoking 'GetBacklog' on the server. HubException: This connection was sent no Backlog of the class \"chatty\".".to_owned())
    );
    let mut stream = house.listen("device=stream", "").await;
    assert_eq!(stream.titles(5).await, expected);
}

/// The pong proves that what came beside the sum was read. The device's cursor went to that number, and what was summed up
/// before it never came again.
#[tokio::test]
async fn what_a_client_that_never_acks_reads_beside_a_sum_does_not_swallow_it() {
    let house = House::open().await;
    chatty(&house).await;
    for number in 1..=4 {
        publish(&house, &format!("chat {number}")).await;
    }
    let beside = house.publish("a", "beside").await;
    for _ in 0..2 {
        let mut phone = house.connect("device=phone").await;
        assert_eq!(backlog(&mut phone).await["count"], json!(4));
        if house.read("a", &beside).await["deliveries"][0]["state"] == "queued" {
            assert_eq!(phone.titles(1).await, ["beside"]);
        }
        phone.expect_nothing().await; // reading answers the server's ping
        house.settled(1, 1).await;
    }
}

/// A card that was shown before must go, whatever its class.
#[tokio::test]
async fn a_withdrawal_is_never_summed_up() {
    let house = House::open().await;
    chatty(&house).await;
    let mut phone = house.connect("device=phone").await;
    let shown = publish(&house, "shown").await;
    assert_eq!(phone.titles(1).await, ["shown"]);
    drop(phone);
    for number in 0..4 {
        publish(&house, &format!("chat {number}")).await;
    }
    let taken = house
        .http
        .delete(house.url(&format!("/api/v1/notifications/{shown}")))
        .bearer_auth(house.service("a"))
        .send()
        .await
        .unwrap();
    assert!(taken.status().is_success(), "{}", taken.status());
    let mut phone = house.connect("device=phone").await;
    assert_eq!(backlog(&mut phone).await["count"], json!(4));
    let withdrawn = phone.item().await;
    assert_eq!(withdrawn["target"], json!("NotificationWithdrawn"));
    assert_eq!(withdrawn["ids"], json!([shown]));
    phone.expect_nothing().await;
}
