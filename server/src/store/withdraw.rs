//! What takes notifications back. Lock order: notifications, then deliveries, then debts, each sorted.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A notification that was taken back just now.
#[derive(Clone, Copy, Debug)]
pub struct Cancelled {
    /// The notification.
    pub id: Uuid,
    /// When it would have stopped being worth delivering.
    pub expires_at: Timestamp,
    /// Somebody had been given it.
    pub given: bool,
}

/// Marks notifications of one service as taken back, and whatever of them is not settled. Those of others,
/// unknown ones and those taken back before are left out of the answer.
pub async fn cancel(
    conn: &mut PgConnection,
    (tenant, service): (Uuid, Uuid),
    ids: &[Uuid],
    by: &str,
    now: Timestamp,
) -> sqlx::Result<Vec<Cancelled>> {
    let rows = sqlx::query!(
        r#"SELECT n.id, n.at, n.expires_at FROM bellhop.notification n
            WHERE n.id = ANY($1) AND n.tenant_id = $2 AND n.service_id = $3
              AND n.at IN (SELECT bellhop.instant_of(id) FROM unnest($1::uuid[]) AS id)
              AND n.cancelled_at IS NULL
            ORDER BY n.id FOR NO KEY UPDATE"#,
        ids,
        tenant,
        service,
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query!(
        "UPDATE bellhop.notification SET cancelled_at = $2, cancelled_by = $3
          WHERE id = ANY($1) AND at IN (SELECT bellhop.instant_of(id) FROM unnest($1::uuid[]) AS id)",
        &ids,
        now.to_sqlx(),
        by,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM bellhop.fanout WHERE notification_id = ANY($1)",
        &ids
    )
    .execute(&mut *conn)
    .await?;
    let given = sqlx::query_scalar!(
        r#"SELECT DISTINCT d.notification_id FROM bellhop.delivery d
            WHERE d.notification_id = ANY($1)
              AND d.at >= (SELECT min(bellhop.instant_of(id)) FROM unnest($1::uuid[]) AS id)
                          - interval '1 minute'"#,
        &ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    end(conn, &ids, None, by, now).await?;
    Ok(rows
        .into_iter()
        .map(|row| Cancelled {
            id: row.id,
            expires_at: row.expires_at.to_jiff(),
            given: given.contains(&row.id),
        })
        .collect())
}

/// Cancels what of these notifications is not settled, of all users or of some, and sees to its debts. What
/// was acked stays so, and says why nobody needs it any more.
async fn end(
    conn: &mut PgConnection,
    ids: &[Uuid],
    users: Option<&[Uuid]>,
    by: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"WITH locked AS MATERIALIZED (
               SELECT d.user_id, d.seq, d.at, d.state FROM bellhop.delivery d
                WHERE d.notification_id = ANY($1) AND d.state <= 2 AND d.reason IS NULL
                  AND ($2::uuid[] IS NULL OR d.user_id = ANY($2))
                  AND d.at >= (SELECT min(bellhop.instant_of(id)) FROM unnest($1::uuid[]) AS id)
                              - interval '1 minute'
                ORDER BY d.user_id, d.seq FOR NO KEY UPDATE),
           ended AS (
               UPDATE bellhop.delivery d
                  SET state = CASE WHEN d.state < 2 THEN 4 ELSE d.state END, reason = $3,
                      settled_at = CASE WHEN d.state < 2 THEN $4 ELSE d.settled_at END
                 FROM locked
                WHERE d.user_id = locked.user_id AND d.seq = locked.seq AND d.at = locked.at AND d.state <= 2
            RETURNING d.user_id, d.seq, d.tenant_id, d.notification_id, d.rule, d.pushed_at IS NOT NULL AS pushed,
                      d.state = 2 AS acked,
                      locked.state AS before),
           told AS (
               INSERT INTO bellhop.webhook_event
                      (webhook_id, event, notification_id, user_id, seq, at, wanted)
               SELECT w.id, 'notification.cancelled', e.notification_id, e.user_id, e.seq, $4,
                      'notification.cancelled' = ANY(w.events)
                 FROM bellhop.webhook w
                 JOIN ended e ON e.tenant_id = w.tenant_id AND e.before < 2 AND (e.rule & 8) = 0
                 JOIN bellhop.notification n
                   ON n.id = e.notification_id AND n.at = bellhop.instant_of(e.notification_id)
                  AND n.service_id = w.service_id
                WHERE w.disabled_at IS NULL
                  AND w.events && '{notification.cancelled,notification.settled}')
           SELECT user_id AS "user_id!", seq AS "seq!", pushed AS "pushed!", acked AS "acked!" FROM ended ORDER BY user_id, seq"#,
        ids,
        users,
        by,
        now.to_sqlx(),
    )
    .fetch_all(&mut *conn)
    .await?;
    // What was acked may still be shown by the phone that acked it from its background.
    let mut shown: Vec<(Uuid, i64)> = rows
        .iter()
        .filter(|row| row.acked && row.pushed)
        .map(|row| (row.user_id, row.seq))
        .collect();
    if !shown.is_empty() {
        shown.sort_unstable();
        let (users, seqs): (Vec<Uuid>, Vec<i64>) = shown.into_iter().unzip();
        super::debts::look_again(conn, &users, &seqs, now).await?;
    }
    if rows.is_empty() {
        return Ok(());
    }
    super::debts::settled(
        conn,
        &rows.iter().map(|row| row.user_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.seq).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.pushed).collect::<Vec<_>>(),
        now,
    )
    .await
}

/// The notifications of a thread that were not taken back, of one kind or of all.
pub async fn of_thread(
    conn: &mut PgConnection,
    (tenant, service): (Uuid, Uuid),
    thread: &str,
    kind: Option<&str>,
    now: Timestamp,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT n.id FROM bellhop.notification n
            WHERE n.tenant_id = $1 AND n.service_id = $2 AND n.thread_key = $3
              AND ($4::text IS NULL OR n.kind = $4) AND n.cancelled_at IS NULL
              AND n.at > $5::timestamptz - interval '31 days' AND n.expires_at > $5
            ORDER BY n.id LIMIT 1000"#,
        tenant,
        service,
        thread,
        kind,
        now.to_sqlx(),
    )
    .fetch_all(conn)
    .await
}

/// Takes back what these users have of the same collapse key but for `newest`, settled or not; answers
/// who had what.
pub async fn collapse(
    conn: &mut PgConnection,
    (tenant, service): (Uuid, Uuid),
    key: &str,
    newest: Uuid,
    users: &[Uuid],
    now: Timestamp,
) -> sqlx::Result<Vec<(Uuid, Uuid)>> {
    let rows = sqlx::query!(
        r#"SELECT d.user_id, d.notification_id
             FROM bellhop.notification n
             JOIN bellhop.delivery d ON d.notification_id = n.id AND d.user_id = ANY($5)
              AND d.at >= n.at - interval '1 minute'
            WHERE n.tenant_id = $1 AND n.service_id = $2 AND n.collapse_key = $3 AND n.id < $4
              AND n.at > $6::timestamptz - interval '31 days' AND n.expires_at > $6
              AND d.reason IS NULL AND d.archived_at IS NULL"#,
        tenant,
        service,
        key,
        newest,
        users,
        now.to_sqlx(),
    )
    .fetch_all(&mut *conn)
    .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: Vec<Uuid> = rows.iter().map(|row| row.notification_id).collect();
    ids.sort_unstable();
    ids.dedup();
    end(conn, &ids, Some(users), &newest.to_string(), now).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.user_id, row.notification_id))
        .collect())
}
