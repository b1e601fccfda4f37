//! A user is removed while connected.

use http::StatusCode;
use serde_json::json;

use crate::testing::eventually;
use crate::testing::house::House;

#[tokio::test]
async fn a_removed_user_is_disconnected_and_owed_nothing_more() {
    let house = House::open().await;
    let body = json!({"kind": "NewTask", "title": "one", "class": "decision",
        "audience": {"users": ["u1"]}});
    let (_, accepted) = house.post("a", &body).await;
    let id = accepted["id"].as_str().unwrap();
    let mut phone = house.connect("device=phone").await;
    phone.titles(1).await;
    let token = house.user("a", "u1");
    let answer = house
        .http
        .delete(house.url("/api/v1/users/u1"))
        .bearer_auth(house.service("a"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    // It may come back, and is refused then like anybody who is not there.
    assert_eq!(phone.closed().await, (None, true));
    let refused = house
        .http
        .get(house.url("/api/v1/stream"))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    eventually(async || {
        let delivery = &house.read("a", id).await["deliveries"][0];
        delivery["state"] == "dead"
    })
    .await;
    // Back again: a new one comes, the old one does not.
    let answer = house
        .http
        .put(house.url("/api/v1/users/u1"))
        .bearer_auth(house.service("a"))
        .json(&json!({"name": "User u1"}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    house.publish("a", "two").await;
    let mut phone = house.connect("device=phone").await;
    assert_eq!(phone.titles(1).await, ["two"]);
}
