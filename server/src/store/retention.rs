//! What goes by age: whole partitions, and rows in small steps.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::{AssertSqlSafe, PgConnection};

/// Tables with a partition a day, in the order in which a day of them may go: whatever another still needs comes
/// after it.
pub const DAILY: [&str; 5] = ["delivery", "ack", "attempt", "push_attempt", "notification"];

/// One day of a table.
pub struct Day {
    /// The partition.
    pub child: String,
    /// When it ended.
    pub end: Timestamp,
    /// Somebody began to detach it and was interrupted.
    pub pending: bool,
}

/// The days of a table that ended before `before`, the oldest first.
pub async fn days(
    conn: &mut PgConnection,
    parent: &str,
    before: Timestamp,
) -> sqlx::Result<Vec<Day>> {
    let rows = sqlx::query!(
        r#"SELECT child AS "child!", pending AS "pending!",
                  ((day + 1)::timestamp AT TIME ZONE 'UTC') AS "ends!"
             FROM bellhop.days_of($1)
            WHERE (day + 1)::timestamp AT TIME ZONE 'UTC' <= $2"#,
        parent,
        before.to_sqlx(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Day {
            child: row.child,
            end: row.ends.to_jiff(),
            pending: row.pending,
        })
        .collect())
}

/// Deliveries of a day that nobody settled, at most `most`, to be ended before their partition goes.
pub async fn unsettled(
    conn: &mut PgConnection,
    day: &Day,
    most: i64,
) -> sqlx::Result<Vec<(uuid::Uuid, i64, Timestamp)>> {
    let rows = sqlx::query!(
        r#"SELECT user_id, seq, at FROM bellhop.delivery
            WHERE at >= $1::timestamptz - interval '1 day' AND at < $1
              AND (state = 0 OR state = 1 AND (rule & 7) <> 4)
            ORDER BY user_id, seq LIMIT $2"#,
        day.end.to_sqlx(),
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.user_id, row.seq, row.at.to_jiff()))
        .collect())
}

/// Deletes the debts of deliveries routed before then: they have ended.
pub async fn forget_debts(conn: &mut PgConnection, before: Timestamp) -> sqlx::Result<u64> {
    let done = sqlx::query!("DELETE FROM bellhop.debt WHERE at < $1", before.to_sqlx())
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// Takes a day off its table. Readers and writers of the table go on; it waits for those who read it now, at
/// most ten seconds, and is taken up again the next time.
///
/// Not in a transaction: Postgres refuses that.
pub async fn detach(conn: &mut PgConnection, parent: &str, day: &Day) -> sqlx::Result<()> {
    let how = if day.pending {
        "FINALIZE"
    } else {
        "CONCURRENTLY"
    };
    let statement = format!(
        "ALTER TABLE bellhop.{parent} DETACH PARTITION bellhop.{} {how}",
        day.child
    );
    let quick = "SET statement_timeout = '10s'; SET lock_timeout = '5s'";
    sqlx::raw_sql(quick).execute(&mut *conn).await?;
    // The names come from the catalog and have the shape that `days` asks for.
    let done = sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut *conn)
        .await;
    sqlx::raw_sql("RESET statement_timeout; RESET lock_timeout")
        .execute(conn)
        .await?;
    done.map(drop)
}

/// Drops a day that was detached.
pub async fn drop_day(conn: &mut PgConnection, day: &Day) -> sqlx::Result<()> {
    let statement = format!("DROP TABLE IF EXISTS bellhop.{}", day.child);
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(conn)
        .await
        .map(drop)
}

/// Days that were detached and not dropped, by somebody who was interrupted in between.
pub async fn detached(conn: &mut PgConnection) -> sqlx::Result<Vec<Day>> {
    let rows = sqlx::query!(
        r#"SELECT c.relname::text AS "child!" FROM pg_class c
             JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'bellhop'
            WHERE c.relkind = 'r' AND NOT c.relispartition
              AND c.relname ~ '^(delivery|ack|attempt|push_attempt|notification)_[0-9]{8}$'"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Day {
            child: row.child,
            end: Timestamp::UNIX_EPOCH,
            pending: false,
        })
        .collect())
}

/// Deletes idempotency keys older than that, at most `most`; answers how many.
pub async fn forget_keys(
    conn: &mut PgConnection,
    before: Timestamp,
    most: i64,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM bellhop.idempotency WHERE (service_id, key_hash) IN (
             SELECT service_id, key_hash FROM bellhop.idempotency WHERE at < $1 LIMIT $2)",
        before.to_sqlx(),
        most,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Forgets devices that were not seen since then, and that cannot be pushed to: they are new if they come back.
pub async fn forget_devices(conn: &mut PgConnection, before: Timestamp) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM bellhop.device v WHERE v.last_seen_at < $1
            AND NOT EXISTS (SELECT FROM bellhop.push_token t
                             WHERE t.user_id = v.user_id AND t.device = v.key AND t.taken_at >= $1)",
        before.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Forgets dead letters and refused rows of SQL callers from before then.
pub async fn forget_letters(conn: &mut PgConnection, before: Timestamp) -> sqlx::Result<u64> {
    let letters = sqlx::query!(
        "DELETE FROM bellhop.dead_letter WHERE at < $1",
        before.to_sqlx()
    )
    .execute(&mut *conn)
    .await?;
    let refused = sqlx::query!(
        "DELETE FROM bellhop.intake_refused WHERE refused_at < $1",
        before.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(letters.rows_affected() + refused.rows_affected())
}

/// One at a time, over all nodes, until the connection is given back or [`release`]d.
pub async fn try_lease(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock(hashtext('bellhop.retention')) AS "held!""#)
        .fetch_one(conn)
        .await
}

/// Gives the lease back.
pub async fn release(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(r#"SELECT pg_advisory_unlock(hashtext('bellhop.retention')) AS "held!""#)
        .fetch_one(conn)
        .await
        .map(drop)
}
