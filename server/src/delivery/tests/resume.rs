//! Stateful reconnect: SignalR's own replay under ours.

use serde_json::json;

use crate::testing::eventually;
use crate::testing::house::House;

/// The connection outlives its socket, so what was written meanwhile waits in it: a replay from the
/// database on top would show everything twice.
#[tokio::test]
async fn stateful_resume_runs_no_cursor_replay() {
    let house = House::open().await;
    let mut phone = house.connect_stateful("device=phone").await;
    house.publish("a", "before").await;
    assert_eq!(phone.titles(1).await, ["before"]);
    let away = async {
        house.publish("a", "while away").await;
        house.publish("a", "and another").await;
    };
    let (mut phone, ()) = phone.lose_socket(away).await.unwrap();
    for title in ["while away", "and another"] {
        let item = phone.item().await;
        assert_eq!(
            (&item["title"], &item["replayed"]),
            (&json!(title), &json!(false))
        );
    }
    house.publish("a", "after").await;
    assert_eq!(phone.titles(1).await, ["after"]);
    phone.expect_nothing().await;
    let owed = phone.call("AcknowledgeThrough", json!([4])).await;
    assert_eq!(owed, Ok(json!(4)));
}

/// The client's library confirms what it handled: evidence as good as a pong.
#[tokio::test]
async fn an_ack_of_the_library_is_evidence() {
    let house = House::open().await;
    let mut phone = house.connect_stateful("device=phone").await;
    house.publish("a", "one").await;
    phone.item().await;
    // The greeting and the item.
    phone.send(&json!({"type": 8, "sequenceId": 2})).await;
    let user = house.id_of("a", "u1").await;
    eventually(|| async {
        let reached: Option<i64> = sqlx::query_scalar(
            "SELECT reached_through FROM bellhop.device WHERE user_id = $1 AND key = 'phone'",
        )
        .bind(user)
        .fetch_optional(&house.pool)
        .await
        .unwrap();
        reached == Some(1)
    })
    .await;
}

/// Who lost a role while the socket was away is judged anew, and misses nothing.
#[tokio::test]
async fn a_connection_ended_while_its_socket_was_away_is_not_resumed() {
    let house = House::open().await;
    let phone = house.connect_stateful("device=phone").await;
    let user = house.id_of("a", "u1").await;
    let away = async {
        house.publish("a", "while away").await;
        house.product.hub.welcome_again(&[user]);
        eventually(|| async { !house.product.hub.is_online(user) }).await;
    };
    assert_eq!(phone.lose_socket(away).await.err(), Some(404));
    let mut phone = house.connect_stateful("device=phone").await;
    assert_eq!(phone.titles(1).await, ["while away"]);
}
