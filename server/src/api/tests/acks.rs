//! Acks over HTTP.

use serde_json::json;

use super::site::Site;

const PATH: &str = "/api/v1/acks";

#[tokio::test]
async fn an_ack_counts_once_a_device_and_settles_the_delivery() {
    let site = Site::open().await;
    let id = site.publish("acme", "t").await;
    let user = site.user("acme", "u1");
    let stranger = uuid::Uuid::nil();
    let ack = json!({"ids": [id, id, stranger], "device": "phone"});
    let answer = site.post(PATH, &user, &ack).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json(), json!({"acknowledged": 1}));
    let path = format!("/api/v1/notifications/{id}");
    let read = site.get(&path, &site.service("acme")).await.json();
    assert_eq!(read["deliveries"][0]["state"], "acked");
    assert_eq!(read["deliveries"][0]["devices"][0]["via"], "http");

    let odd = json!({"ids": [id], "device": "my phone"});
    let answer = site.post(PATH, &user, &odd).await;
    assert_eq!(answer.json()["field"], "device");
    let many = json!({"ids": vec![id; 1_001]});
    let answer = site.post(PATH, &user, &many).await;
    assert_eq!(answer.json()["field"], "ids");
}
