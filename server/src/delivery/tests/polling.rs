//! Answers of a poll that never reach the client, over real sockets.

use serde_json::json;

use crate::testing::house::House;
use crate::testing::poll::Poller;
use crate::testing::wire::{Loss, Wire};

const TITLE: &str = "swallowed";

/// A proxy that repeats a GET by itself swallows the first one's body. The second one proves nothing for
/// a device that acks for itself: it gets the item again, though not twice on one connection.
#[tokio::test]
async fn long_poll_body_swallowed_by_proxy() {
    let house = House::open().await;
    let wire = Wire::lay(house.address).await;
    let token = house.user("a", "u1");
    let mut phone = Poller::open(wire.address, &token, "device=phone").await;
    phone.call("AcknowledgeMany", json!([[]])).await;

    wire.lose(Loss::Answer, "GET ", TITLE);
    let (poll, id, ()) = tokio::join!(phone.poll(), house.publish("a", TITLE), wire.lost());
    assert!(poll.is_err(), "the answer with the item is gone");
    // It polls on, and its calls are answered; the item does not come again here.
    let (_, before) = phone.call("LeaveGroup", json!(["inbox"])).await;
    assert_eq!(before, Vec::<serde_json::Value>::new());
    // Answered after the commit, so evidence that came before it would be there.
    phone.call("AcknowledgeMany", json!([[]])).await;
    let delivery = house.read("a", &id).await["deliveries"][0].clone();
    assert_eq!(delivery["state"], "queued", "a poll is no ack: {delivery}");

    // It comes back: the item is there, as one that was sent before.
    let mut phone = Poller::open(wire.address, &token, "device=phone").await;
    let item = phone.next().await["arguments"][0].clone();
    assert_eq!(
        (&item["notificationId"], &item["replayed"]),
        (&json!(id), &json!(true))
    );
    assert_eq!(
        phone.call("AcknowledgeNotification", json!([id])).await.0,
        json!(1)
    );
    let (_, before) = Poller::open(wire.address, &token, "device=phone")
        .await
        .call("LeaveGroup", json!(["inbox"]))
        .await;
    assert_eq!(before, Vec::<serde_json::Value>::new());
}

/// A device that never acks has only its next poll for a proof. Without one it gets the item again.
#[tokio::test]
async fn a_swallowed_answer_without_a_next_poll_proves_nothing() {
    let house = House::open().await;
    let wire = Wire::lay(house.address).await;
    let token = house.user("a", "u1");
    let mut old = Poller::open(wire.address, &token, "device=old").await;
    wire.lose(Loss::Answer, "GET ", TITLE);
    let (poll, id, ()) = tokio::join!(old.poll(), house.publish("a", TITLE), wire.lost());
    assert!(poll.is_err());
    let mut old = Poller::open(wire.address, &token, "device=old").await;
    let item = old.next().await["arguments"][0].clone();
    assert_eq!(item["notificationId"], json!(id));
    // Its next poll is the proof.
    old.call("LeaveGroup", json!(["inbox"])).await;
    house.settled(1, 1).await;
}
