//! What a replay reads: asked of the planner for the very statement that the pager runs.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::store::replay::{self, Question};
use crate::support::clock::Clock;
use crate::testing::{self, house::furnished};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// `20261122`, as partitions are named.
fn name(day: Timestamp) -> String {
    day.strftime("%Y%m%d").to_string()
}

/// Runs the statement that `replay::pages` prepared on this connection; the days of which it read
/// deliveries, and those of which it read notifications.
async fn read(
    conn: &mut PgConnection,
    user: Uuid,
    since: Timestamp,
    now: Timestamp,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let prepared: String = sqlx::query_scalar(
        "SELECT name FROM pg_prepared_statements
          WHERE statement LIKE '%bellhop.delivery d%' AND statement NOT LIKE '%pg_prepared%'",
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    let explain = format!(
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON)
         EXECUTE \"{prepared}\" ('{{0}}', '{{{user}}}', '{{0}}', '{{true}}', '{now}', '{{{}}}',
                 '{{\"{{}}\"}}')",
        since.as_microsecond()
    );
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain))
        .persistent(false)
        .fetch_one(conn)
        .await
        .unwrap();
    let mut days = (BTreeSet::new(), BTreeSet::new());
    let mut nodes = vec![&plan[0]["Plan"]];
    while let Some(node) = nodes.pop() {
        nodes.extend(node["Plans"].as_array().into_iter().flatten());
        // A partition that is pruned while it runs is in the plan and was looped over 0 times.
        if node["Actual Loops"].as_f64() > Some(0.0)
            && let Some((table, day)) = node["Relation Name"]
                .as_str()
                .and_then(|n| n.split_once('_'))
        {
            match table {
                "delivery" => days.0.insert(day.to_owned()),
                "notification" => days.1.insert(day.to_owned()),
                _ => false,
            };
        }
    }
    days
}

/// A replay that looks into every day since the beginning, or at every notification of a day, costs more
/// the longer Bellhop runs.
#[tokio::test]
async fn resume_plan_prunes_partitions() {
    let pool = furnished().await;
    let now = Clock::system().now();
    testing::partitions(&pool, &(now - 40 * DAY).to_string()[..10], 39).await;
    let user: Uuid = sqlx::query_scalar("SELECT user_id FROM bellhop.user_stream LIMIT 1")
        .fetch_one(&pool)
        .await
        .unwrap();
    let ages = [35, 20, 5, 0];
    for (seq, age) in (1_i64..).zip(ages) {
        sqlx::query(
            "WITH note AS (
                 INSERT INTO bellhop.notification (id, at, tenant_id, service_id, kind, title, body,
                        data, severity, audience, recipients, expires_at)
                 SELECT id, bellhop.instant_of(id), tenant_id, tenant_id, 'NewTask', $2::text, '', '{}',
                        'info', '', 1, $4 + interval '1 day'
                   FROM (SELECT bellhop.uuid_v7($3) AS id, tenant_id FROM bellhop.user_stream
                          WHERE user_id = $1) made
                 RETURNING id, tenant_id)
             INSERT INTO bellhop.delivery (user_id, seq, at, tenant_id, notification_id, expires_at)
             SELECT $1, $2, $3, tenant_id, id, $4 + interval '1 day' FROM note",
        )
        .bind(user)
        .bind(seq)
        .bind(jiff_sqlx::Timestamp::from(now - age * DAY))
        .bind(jiff_sqlx::Timestamp::from(now))
        .execute(&pool)
        .await
        .unwrap();
    }

    let mut conn = pool.acquire().await.unwrap();
    let question = |since| Question {
        user,
        from: 0,
        since,
        reached_too: true,
        acked: "{}".to_owned(),
    };
    let made: Vec<String> = sqlx::query_scalar(
        "SELECT substr(relname, 10) FROM pg_class WHERE relname ~ '^delivery_\\d{8}$' ORDER BY 1",
    )
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    let from = |day: Timestamp| -> BTreeSet<String> {
        let days = made.iter().filter(|made| **made >= name(day));
        days.cloned().collect()
    };
    assert!(made.len() - from(now - 31 * DAY).len() >= 9);
    // The device stands nowhere yet, or where somebody noted five days ago.
    for (since, found, oldest) in [
        (Timestamp::UNIX_EPOCH, &ages[1..], now - 31 * DAY),
        (now - 6 * DAY, &ages[2..], now - 6 * DAY),
    ] {
        let answers = replay::pages(&mut conn, &[question(since)], now).await;
        let seqs: Vec<i64> = answers.unwrap().rows.iter().map(|row| row.seq).collect();
        assert_eq!(seqs.len(), found.len(), "{seqs:?}");
        for mode in ["force_custom_plan", "force_generic_plan"] {
            sqlx::raw_sql(AssertSqlSafe(format!("SET plan_cache_mode = {mode}")))
                .execute(&mut *conn)
                .await
                .unwrap();
            let (deliveries, notifications) = read(&mut conn, user, since, now).await;
            assert_eq!(deliveries, from(oldest), "{mode}");
            let expected = found.iter().map(|age| name(now - *age * DAY)).collect();
            assert_eq!(notifications, expected, "{mode}");
        }
    }
}
