//! How a delivery ends that nobody acks: in a state, with a reason, where somebody can find it.

use super::{Desk, State};

#[tokio::test]
async fn what_expires_is_a_dead_letter() {
    let mut desk = Desk::open().await;
    desk.class("brief", r#"{"life":60}"#).await;
    let seq = desk.publish(desk.u1, "brief").await;
    desk.seconds(10);
    desk.sweep().await;
    assert_eq!(desk.round().await.claimed, 0, "parked until its end");
    desk.seconds(60);
    assert_eq!(desk.round().await.ended, 1);
    assert_eq!(desk.state(desk.u1, seq).await, State::Expired);
    assert_eq!(desk.debts().await, 0);
    let letter: (i64, i16, String) =
        sqlx::query_as("SELECT seq, state, reason FROM bellhop.dead_letter WHERE tenant_id = $1")
            .bind(desk.tenant)
            .fetch_one(&desk.pool)
            .await
            .unwrap();
    assert_eq!(letter, (seq, 3, "expired".to_owned()));
    // A late ack is a fact, and changes no end.
    desk.device(desk.u1, "phone").await;
    assert_eq!(desk.ack(desk.u1, "phone", seq, true).await, 1);
    assert_eq!(desk.state(desk.u1, seq).await, State::Expired);
}

#[tokio::test]
async fn a_ladder_with_an_end_gives_up_there() {
    let mut desk = Desk::open().await;
    desk.class(
        "tried",
        r#"{"life":3600,"ladder":[{"after":30,"do":"give_up"}]}"#,
    )
    .await;
    let seq = desk.publish(desk.u1, "tried").await;
    desk.seconds(40);
    desk.sweep().await;
    assert_eq!(desk.round().await.ended, 1);
    assert_eq!(desk.state(desk.u1, seq).await, State::Dead);
    assert_eq!(
        desk.count("SELECT count(*) FROM bellhop.dead_letter WHERE reason = 'ladder_ended'")
            .await,
        1
    );
}

/// Read by a client that never acks, where that is enough: it is no dead letter when its time is over.
#[tokio::test]
async fn what_was_read_does_not_expire() {
    let mut desk = Desk::open().await;
    let seq = desk.publish(desk.u1, "info").await;
    desk.seconds(10);
    desk.sweep().await;
    desk.device(desk.u1, "old").await;
    desk.reached(desk.u1, "old", seq).await;
    desk.seconds(2 * 86_400);
    desk.round().await;
    assert_eq!(
        (desk.state(desk.u1, seq).await, desk.debts().await),
        (State::Reached, 0)
    );
}
