//! What the sweep finds, and that it passes nothing over.

use app::model::delivery::State;
use sqlx::Connection as _;

use super::Desk;
use crate::delivery::ledger;

#[tokio::test]
async fn only_what_nobody_settled_costs_a_row() {
    let mut desk = Desk::open().await;
    let acked = desk.publish(desk.u1, "decision").await;
    let read = desk.publish(desk.u1, "standard").await;
    desk.publish(desk.u1, "decision").await;
    desk.device(desk.u1, "phone").await;
    desk.ack(desk.u1, "phone", acked, true).await;
    desk.reached(desk.u1, "old", read).await;
    assert_eq!(desk.sweep().await, 0, "within the grace");
    desk.seconds(4);
    assert_eq!(desk.sweep().await, 1);
    assert_eq!(desk.sweep().await, 0, "once");
    desk.seconds(60);
    assert_eq!(desk.sweep().await, 0);
}

/// With a cursor by time, the row of a transaction of three seconds appeared behind it and was found by
/// nobody.
#[tokio::test]
async fn slow_commit_behind_sweep_is_found() {
    let mut desk = Desk::open().await;
    let mut conn = desk.pool.acquire().await.unwrap();
    let mut slow = conn.begin().await.unwrap();
    let publication = desk.publication(desk.u1, "decision");
    ledger::append(&mut slow, vec![publication], desk.clock.now())
        .await
        .unwrap();
    for _ in 0..5 {
        desk.seconds(10);
        assert_eq!(desk.sweep().await, 0);
    }
    slow.commit().await.unwrap();
    desk.seconds(10);
    assert_eq!(desk.sweep().await + desk.sweep().await, 1);
}

/// The same for a transaction that has read the line, but not written yet.
#[tokio::test]
async fn one_that_began_before_the_line_is_waited_for() {
    let mut desk = Desk::open().await;
    let mut conn = desk.pool.acquire().await.unwrap();
    let mut slow = conn.begin().await.unwrap();
    let began = desk.clock.now();
    sqlx::query("SELECT 1").execute(&mut *slow).await.unwrap();
    desk.seconds(30);
    desk.sweep().await;
    desk.sweep().await;
    let publication = desk.publication(desk.u1, "decision");
    ledger::append(&mut slow, vec![publication], began)
        .await
        .unwrap();
    slow.commit().await.unwrap();
    desk.seconds(10);
    assert_eq!(desk.sweep().await + desk.sweep().await, 1);
}

/// A caller who publishes by SQL and goes to lunch in his transaction holds up nobody's retries.
#[tokio::test]
async fn a_foreign_transaction_is_not_waited_for() {
    let mut desk = Desk::open().await;
    sqlx::raw_sql(
        "DO $$ BEGIN CREATE ROLE bellhop_t_foreign LOGIN PASSWORD 'foreign'; EXCEPTION
           WHEN duplicate_object OR unique_violation THEN NULL; END $$",
    )
    .execute(&desk.pool)
    .await
    .unwrap();
    let options = desk.pool.connect_options();
    let foreign = (*options)
        .clone()
        .username("bellhop_t_foreign")
        .password("foreign");
    let mut lunch = sqlx::PgConnection::connect_with(&foreign).await.unwrap();
    let mut open = lunch.begin().await.unwrap();
    sqlx::query("SELECT pg_current_xact_id()")
        .execute(&mut *open)
        .await
        .unwrap();
    desk.publish(desk.u1, "decision").await;
    desk.seconds(10);
    assert_eq!(desk.sweep().await, 1);
    drop(open);
}

/// The clock was set back by an hour: what was routed then lay before the cursor.
#[tokio::test]
async fn db_clock_steps_back() {
    let mut desk = Desk::open().await;
    desk.publish(desk.u1, "decision").await;
    desk.seconds(10);
    assert_eq!(desk.sweep().await, 1);
    desk.seconds(-3_600);
    desk.publish(desk.u1, "decision").await;
    assert_eq!(desk.sweep().await, 1, "at once: nothing says how old it is");
}

/// A transaction broke off between the line and the sweep; the next sweep finds what it would have found.
#[tokio::test]
async fn a_killed_sweeper_leaves_nothing_out() {
    let mut desk = Desk::open().await;
    desk.publish(desk.u1, "decision").await;
    desk.seconds(10);
    desk.sweeper.pass().await.unwrap();
    let bell = std::sync::Arc::default();
    desk.sweeper = super::Sweeper::new(super::sweeping::Needs {
        pool: desk.pool.clone(),
        clock: desk.clock.clone(),
        classes: desk.classes.clone(),
        reach: desk.asked.clone(),
        pushes: true,
        bell,
    });
    assert_eq!(desk.sweep().await, 1);
}

/// A BRIN index knows nothing of the pages written since its last summary, and reads them all.
#[tokio::test]
async fn sweep_on_unsummarised_table_reads_few_pages() {
    let mut desk = Desk::open().await;
    sqlx::query(
        "INSERT INTO bellhop.delivery (user_id, seq, at, tenant_id, notification_id, expires_at, state)
         SELECT $1, n, $2::timestamptz - interval '3 hours' + n * interval '0.2 s', $1, $1,
                $2::timestamptz + interval '1 day', 2
           FROM generate_series(1, 50000) n",
    )
    .bind(desk.u2)
    .bind(jiff_sqlx::ToSqlx::to_sqlx(desk.clock.now()))
    .execute(&desk.pool)
    .await
    .unwrap();
    desk.sweep().await;
    let plan: serde_json::Value = sqlx::query_scalar(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
         SELECT FROM bellhop.delivery
          WHERE at >= $1::timestamptz - interval '2 hours'
            AND at < $1::timestamptz - interval '2 hours' + interval '10 s'",
    )
    .bind(jiff_sqlx::ToSqlx::to_sqlx(desk.clock.now()))
    .fetch_one(&desk.pool)
    .await
    .unwrap();
    let pages = plan[0]["Plan"]["Shared Hit Blocks"].as_i64().unwrap()
        + plan[0]["Plan"]["Shared Read Blocks"].as_i64().unwrap();
    let all: i64 = desk
        .count(
            "SELECT sum(pg_relation_size(c.oid) / 8192)::bigint FROM pg_class c
              WHERE c.relname LIKE 'delivery_2%' AND c.relkind = 'r'",
        )
        .await;
    assert!(pages * 3 < all, "{pages} of {all} pages: {plan}");
}

/// Somebody who is away and has a phone is pushed to soon; who has none costs nothing before the end; who is here goes by the
/// ladder. Each at the very time the worker reckons with, spread included: a debt is claimed once for its rung.
#[tokio::test]
async fn who_is_away_is_pushed_to_soon_and_who_has_no_phone_costs_nothing() {
    let mut desk = Desk::open().await;
    desk.class("soon", r#"{"life":3600,"ladder":[{"after":9,"do":"again"},{"after":60,"do":"push"},{"after":90,"do":"give_up"}],
                           "push":{"away":5}}"#).await;
    sqlx::query(
        "INSERT INTO bellhop.push_token (tenant_id, user_id, device, platform, token, token_hash, registered_at)
         VALUES ($1, $2, 'phone', 'fcm', 't', 'h', now())",
    )
    .bind(desk.tenant)
    .bind(desk.u1)
    .execute(&desk.pool)
    .await
    .unwrap();
    let (here, away) = (vec![desk.u1, desk.u2], Vec::new());
    for (who, user, rung, after, push) in [
        (&here, desk.u1, 0, 9_000, None),
        (&away, desk.u1, 1, 60_000, Some(5_000)),
        (&away, desk.u2, 2, 90_000, None),
    ] {
        desk.asked.here.lock().clone_from(who);
        let seq = desk.publish(user, "soon").await;
        desk.seconds(4);
        assert_eq!(desk.sweep().await, 1);
        let found: (i16, i64, Option<i64>) = sqlx::query_as(
            "SELECT rung, (extract(epoch FROM next_at - at) * 1000)::bigint,
                    (extract(epoch FROM push_at - at) * 1000)::bigint
               FROM bellhop.debt WHERE user_id = $1 AND seq = $2",
        )
        .bind(user)
        .bind(seq)
        .fetch_one(&desk.pool)
        .await
        .unwrap();
        let jitter = super::super::worker::jitter(desk.notification(user, seq).await, user);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "small"
        )]
        let spread = |after: i64| after + (after as f64 / 10.0 * jitter) as i64;
        let push = push.map(spread);
        assert_eq!(found, (rung, push.unwrap_or(spread(after)), push));
    }
}

/// To somebody who is not here nothing can be repeated; who comes later begins with what is owed. So the debt
/// begins with the rung that does something, and that at its very time: it is claimed once for it.
#[tokio::test]
async fn who_is_away_is_spared_the_rungs_that_find_nobody() {
    let mut desk = Desk::open().await;
    desk.asked.here.lock().retain(|user| *user != desk.u2);
    desk.class("twice", r#"{"life":3600,"ladder":[{"after":5,"do":"again"},{"after":15,"do":"again"},{"after":20,"do":"give_up"}]}"#).await;
    let (here, away) = (
        desk.publish(desk.u1, "twice").await,
        desk.publish(desk.u2, "twice").await,
    );
    desk.seconds(4);
    assert_eq!(desk.sweep().await, 2);
    desk.seconds(6);
    let round = desk.round().await;
    assert_eq!(
        (round.claimed, round.rungs),
        (1, 1),
        "only that of who is here"
    );
    assert_eq!(desk.asked(), [(desk.u1, here, false)]);
    desk.seconds(12);
    desk.round().await;
    assert_eq!(desk.state(desk.u2, away).await, State::Dead);
}
