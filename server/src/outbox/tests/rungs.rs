//! The ladder, rung by rung, in the database.

use super::{Desk, State};

#[tokio::test]
async fn rung_by_rung_and_then_parked() {
    let mut desk = Desk::open().await;
    desk.class(
        "short",
        r#"{"life":3600,"ladder":[{"after":5,"do":"again"},{"after":20,"do":"again"}]}"#,
    )
    .await;
    let seq = desk.publish(desk.u1, "short").await;
    let routed = desk.clock.now();
    desk.seconds(4);
    desk.sweep().await;
    assert_eq!(desk.round().await.claimed, 0, "not due yet");
    desk.seconds(2);
    assert_eq!(desk.round().await.rungs, 1);
    assert_eq!(desk.asked(), [(desk.u1, seq, false)]);
    assert_eq!(desk.round().await.claimed, 0, "done is done");
    let next = desk.next_at().await;
    let spread = (next - routed).total(jiff::Unit::Second).unwrap();
    assert!((20.0..=22.0).contains(&spread), "{spread}");
    desk.seconds(20);
    assert_eq!(desk.round().await.rungs, 1);
    assert_eq!(desk.asked(), [(desk.u1, seq, true)]);
    assert_eq!((desk.next_at().await - routed).get_seconds(), 3_600);
}

#[tokio::test]
async fn an_ack_pays_the_debt_and_no_rung_is_climbed_after_it() {
    let mut desk = Desk::open().await;
    let seq = desk.publish(desk.u1, "decision").await;
    desk.seconds(4);
    desk.sweep().await;
    desk.device(desk.u1, "phone").await;
    assert_eq!(desk.ack(desk.u1, "phone", seq, true).await, 1);
    assert_eq!(desk.debts().await, 0);
    desk.seconds(3_600);
    assert_eq!(desk.round().await.claimed, 0);
    assert_eq!(desk.asked(), []);
}

/// Between the claim and its result the user acked: the result must not bring the debt back.
#[tokio::test]
async fn ack_racing_a_claim_wins() {
    use crate::store::debts;
    let mut desk = Desk::open().await;
    let seq = desk.publish(desk.u1, "decision").await;
    desk.seconds(6);
    desk.sweep().await;
    let now = desk.clock.now();
    let mut conn = desk.pool.acquire().await.unwrap();
    let claims = debts::claim(&mut conn, now, now, 10).await.unwrap();
    assert_eq!(claims.len(), 1);
    desk.device(desk.u1, "phone").await;
    desk.ack(desk.u1, "phone", seq, true).await;
    let left = debts::Left {
        user: desk.u1,
        seq,
        fence: claims[0].fence,
        rung: 1,
        tries: 0,
        push_at: None,
        next_at: now,
    };
    debts::put_back(&mut conn, &[left], now).await.unwrap();
    assert_eq!(desk.debts().await, 0);
    assert_eq!(desk.state(desk.u1, seq).await, State::Acked);
}

/// Who claimed first was stopped for longer than its lease; who claimed after it has done the rung, and what
/// the first one writes at last counts no more.
#[tokio::test]
async fn a_claim_comes_back_and_its_late_result_is_ignored() {
    use crate::store::debts;
    let mut desk = Desk::open().await;
    let seq = desk.publish(desk.u1, "decision").await;
    desk.seconds(6);
    desk.sweep().await;
    let mut conn = desk.pool.acquire().await.unwrap();
    let now = desk.clock.now();
    let until = now + jiff::SignedDuration::from_secs(30);
    let stopped = debts::claim(&mut conn, now, until, 10).await.unwrap();
    assert_eq!(desk.round().await.claimed, 0, "it is claimed");
    desk.seconds(31);
    assert!(desk.round().await.rungs >= 1, "it has come back");
    let before = desk.next_at().await;
    let late = debts::Left {
        user: desk.u1,
        seq,
        fence: stopped[0].fence,
        rung: 0,
        tries: 0,
        push_at: None,
        next_at: now,
    };
    debts::put_back(&mut conn, &[late], now).await.unwrap();
    debts::pay(&mut conn, &[desk.u1], &[seq], &[stopped[0].fence])
        .await
        .unwrap();
    assert_eq!((desk.debts().await, desk.next_at().await), (1, before));
}

#[tokio::test]
async fn the_manager_is_asked_and_a_deputy_before_the_manager() {
    let mut desk = Desk::open().await;
    desk.class(
        "asked",
        r#"{"life":3600,"ladder":[{"after":10,"do":"deputy"},{"after":20,"do":"deputy"}]}"#,
    )
    .await;
    let (pool, u1, u2) = (desk.pool.clone(), desk.u1, desk.u2);
    let hire = async |column: &str| {
        let statement = format!("UPDATE bellhop.user_account SET {column} = $1 WHERE id = $2");
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(u2)
            .bind(u1)
            .execute(&pool)
            .await
            .unwrap();
    };
    for (column, via) in [("manager_id", "manager"), ("deputy_id", "deputy")] {
        hire(column).await;
        desk.publish(desk.u1, "asked").await;
        desk.seconds(15);
        desk.sweeper.pass().await.unwrap();
        desk.sweeper.pass().await.unwrap();
        desk.round().await;
        let found: (i64, String, uuid::Uuid) = sqlx::query_as(
            "SELECT seq, via, for_user FROM bellhop.delivery WHERE user_id = $1 ORDER BY seq DESC LIMIT 1",
        )
        .bind(desk.u2)
        .fetch_one(&desk.pool)
        .await
        .unwrap();
        assert_eq!((found.1.as_str(), found.2), (via, desk.u1));
        assert_eq!(desk.asked(), [(desk.u2, found.0, false)]);
        // Again: they have it, and nobody is asked to stand in for who stands in.
        desk.seconds(15);
        desk.sweep().await;
        desk.round().await;
        assert_eq!(desk.asked(), []);
    }
    assert_eq!(
        desk.count("SELECT count(*) FROM bellhop.delivery WHERE for_user IS NOT NULL")
            .await,
        2
    );
}

#[tokio::test]
async fn every_device_and_the_active_one() {
    let mut desk = Desk::open().await;
    for (key, ack_by) in [("all", "every_device"), ("awake", "active_device")] {
        let rules =
            format!(r#"{{"life":3600,"ack_by":"{ack_by}","ladder":[{{"after":5,"do":"again"}}]}}"#);
        desk.class(key, &rules).await;
    }
    for device in ["phone", "laptop"] {
        desk.device(desk.u1, device).await;
    }
    desk.seconds(1);
    let (all, awake) = (
        desk.publish(desk.u1, "all").await,
        desk.publish(desk.u1, "awake").await,
    );
    // Seen after it was routed: it does not count.
    desk.seconds(1);
    desk.device(desk.u1, "tablet").await;
    desk.ack(desk.u1, "phone", all, true).await;
    desk.ack(desk.u1, "phone", awake, false).await;
    assert_eq!(desk.state(desk.u1, all).await, State::Reached);
    assert_eq!(desk.state(desk.u1, awake).await, State::Reached);
    desk.seconds(5);
    assert_eq!(desk.sweep().await, 2, "still owed");
    desk.ack(desk.u1, "laptop", all, false).await;
    desk.ack(desk.u1, "laptop", awake, true).await;
    assert_eq!(desk.state(desk.u1, all).await, State::Acked);
    assert_eq!(desk.state(desk.u1, awake).await, State::Acked);
    assert_eq!(desk.debts().await, 0);
}
