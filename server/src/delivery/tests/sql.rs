//! Publications and punches by plain SQL, from programs that know nothing of Bellhop.

use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::testing::house::House;

/// A connection of its own whose role speaks for tenant `a`.
async fn program(house: &House) -> PgConnection {
    sqlx::query(
        "INSERT INTO bellhop.role_grant
         SELECT current_user, s.tenant_id, s.id FROM bellhop.service s
           JOIN bellhop.tenant t ON t.id = s.tenant_id WHERE t.key = 'a'
         ON CONFLICT DO NOTHING",
    )
    .execute(&house.pool)
    .await
    .unwrap();
    PgConnection::connect_with(&house.pool.connect_options())
        .await
        .unwrap()
}

const PUBLISH: &str = "SELECT bellhop.publish('NewTask', $1, users => '{u1}')";

#[tokio::test]
async fn a_foreign_publish_reaches_the_open_connection() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    let mut program = program(&house).await;
    let ticket: uuid::Uuid = sqlx::query_scalar(PUBLISH)
        .bind("by SQL")
        .fetch_one(&mut program)
        .await
        .unwrap();
    let item = phone.item().await;
    assert_eq!(
        (item["title"].as_str(), item["notificationId"].as_str()),
        (Some("by SQL"), Some(ticket.to_string().as_str()))
    );
}

/// A caller who publishes and goes to lunch in his transaction stopped the committers.
#[tokio::test]
async fn sql_publish_held_open_never_delays_http() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    let mut program = program(&house).await;
    let mut lunch = program.begin().await.unwrap();
    lunch
        .execute(sqlx::query(PUBLISH).bind("after lunch"))
        .await
        .unwrap();
    house.publish("a", "meanwhile").await;
    assert_eq!(phone.titles(1).await, ["meanwhile"]);
    lunch.commit().await.unwrap();
    assert_eq!(phone.titles(1).await, ["after lunch"]);
}

/// Two callers who name users in opposite order took their locks in opposite order.
#[tokio::test]
async fn sql_publishes_in_opposite_order_never_deadlock() {
    let house = House::open().await;
    let (mut one, mut two) = (program(&house).await, program(&house).await);
    let (mut first, mut second) = (one.begin().await.unwrap(), two.begin().await.unwrap());
    let to = |user: &str| format!("SELECT bellhop.publish('NewTask', 't', users => '{{{user}}}')");
    first
        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(to("u1"))))
        .await
        .unwrap();
    second
        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(to("u2"))))
        .await
        .unwrap();
    first
        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(to("u2"))))
        .await
        .unwrap();
    second
        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(to("u1"))))
        .await
        .unwrap();
    first.commit().await.unwrap();
    second.commit().await.unwrap();
    house.settled(0, 2).await;
}

/// Committer and router number the same users at once: each waits for the other's locks, and reads what
/// the other left.
#[tokio::test]
async fn committer_and_router_on_the_same_users_leave_no_gap() {
    let house = House::open().await;
    let mut program = program(&house).await;
    let mut phone = house.connect("device=phone").await;
    let sql = async {
        for _ in 0..60 {
            program
                .execute("SELECT bellhop.publish('NewTask', 'sql', users => '{u2,u1}')")
                .await
                .unwrap();
        }
    };
    let body = json!({"kind": "NewTask", "title": "http", "audience": {"users": ["u1", "u2"]}});
    let http = futures_util::future::join_all((0..60).map(|_| house.post("a", &body)));
    let (answers, ()) = tokio::join!(http, sql);
    assert!(answers.iter().all(|(status, _)| *status == 202));
    assert_eq!(phone.titles(120).await.len(), 120);
    for user in ["u1", "u2"] {
        let seqs: Vec<i64> =
            sqlx::query_scalar("SELECT seq FROM bellhop.delivery WHERE user_id = $1 ORDER BY seq")
                .bind(house.id_of("a", user).await)
                .fetch_all(&house.pool)
                .await
                .unwrap();
        assert_eq!(seqs, (1..=120).collect::<Vec<_>>(), "{user}");
    }
}

/// A caller in REPEATABLE READ could not update a row that others had advanced.
#[tokio::test]
async fn repeatable_read_caller_commits() {
    let house = House::open().await;
    let mut program = program(&house).await;
    let mut tx = program
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .await
        .unwrap();
    tx.execute("SELECT 1").await.unwrap();
    house.publish("a", "in between").await;
    tx.execute(sqlx::query(PUBLISH).bind("old snapshot"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    house.settled(0, 2).await;
}

/// Two-phase commit forbids NOTIFY; such a program switches it off, and the patrol finds its row.
#[tokio::test]
async fn xa_program_with_notify_off() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    let mut program = program(&house).await;
    program.execute("SET bellhop.notify = 'off'").await.unwrap();
    program
        .execute(sqlx::query(PUBLISH).bind("silent"))
        .await
        .unwrap();
    assert_eq!(phone.titles(1).await, ["silent"]);
}

/// Nothing accepted is ever lost: what cannot be routed is kept with the reason.
#[tokio::test]
async fn a_row_that_cannot_be_routed_is_kept_and_spares_the_others() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    sqlx::raw_sql(
        "INSERT INTO bellhop.intake (what, tenant_id, service_id, ticket, payload)
         SELECT 'publish', s.tenant_id, s.id, bellhop.uuid_v7(), p FROM bellhop.service s
           JOIN bellhop.tenant t ON t.id = s.tenant_id,
           unnest(ARRAY['{\"kind\":', '{\"kind\":\"NewTask\",\"title\":\"good\",\"audience\":{\"users\":[\"u1\"]}}']) p
          WHERE t.key = 'a'",
    )
    .execute(&house.pool)
    .await
    .unwrap();
    assert_eq!(phone.titles(1).await, ["good"]);
    let reasons: Vec<String> = sqlx::query_scalar("SELECT reason FROM bellhop.intake_refused")
        .fetch_all(&house.pool)
        .await
        .unwrap();
    assert_eq!(reasons.len(), 1);
    assert!(reasons[0].contains("EOF"), "{reasons:?}");
}
