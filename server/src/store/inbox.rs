//! The inbox: deliveries as their user sees them. Engagement (seen, read, archived) lives in the
//! delivery's row and in no index, so that marking stays a HOT update.

use app::model::inbox::{InboxCounts, InboxTab};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// One item.
#[expect(
    clippy::struct_excessive_bools,
    reason = "columns of one row, each a fact of its own"
)]
pub struct Row {
    /// The user's number of it.
    pub seq: i64,
    /// The notification.
    pub id: Uuid,
    /// Kind.
    pub kind: String,
    /// Title.
    pub title: String,
    /// Body.
    pub body: String,
    /// JSON object as text.
    pub data: String,
    /// `info`, `warning`, `critical`.
    pub severity: String,
    /// Thread.
    pub thread_key: Option<String>,
    /// When it was accepted.
    pub at: jiff_sqlx::Timestamp,
    /// Shown.
    pub seen: bool,
    /// Clicked.
    pub read: bool,
    /// Put away.
    pub archived: bool,
    /// Cancelled by its sender.
    pub withdrawn: bool,
    /// Name of whom the user stands in for.
    pub on_behalf_of: Option<String>,
}

/// Items before `before`, newest first, at most `most`.
pub async fn page(
    conn: &mut PgConnection,
    user: Uuid,
    tab: InboxTab,
    before: i64,
    most: i64,
    now: Timestamp,
) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"SELECT d.seq, d.notification_id AS id, n.kind, n.title, n.body, n.data, n.severity,
                  n.thread_key, n.at, d.seen_at IS NOT NULL AS "seen!",
                  d.read_at IS NOT NULL AS "read!", d.archived_at IS NOT NULL AS "archived!",
                  d.state IN (2, 4) AND d.reason IS NOT NULL AS "withdrawn!",
                  CASE WHEN d.for_user IS NOT NULL THEN
                       (SELECT u.name FROM bellhop.user_account u WHERE u.id = d.for_user)
                  END AS "on_behalf_of?"
             FROM bellhop.delivery d
             JOIN bellhop.notification n
               ON n.id = d.notification_id AND n.at = bellhop.instant_of(d.notification_id)
            WHERE d.user_id = $1 AND d.seq < $2 AND (d.rule & 8) = 0 AND d.at > $5::timestamptz - interval '31 days'
              AND (d.archived_at IS NOT NULL) = $3 AND (NOT $4 OR d.read_at IS NULL)
            ORDER BY d.seq DESC LIMIT $6"#,
        user,
        before,
        tab == InboxTab::Archive,
        tab == InboxTab::Unread,
        now.to_sqlx(),
        most,
    )
    .fetch_all(conn)
    .await
}

/// Counts over the newest 1,000 items: beyond that a bell says "99+" anyway.
pub async fn counts(
    conn: &mut PgConnection,
    user: Uuid,
    now: Timestamp,
) -> sqlx::Result<InboxCounts> {
    let row = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE seen_at IS NULL) AS "unseen!",
                  count(*) FILTER (WHERE read_at IS NULL) AS "unread!"
             FROM (SELECT d.seen_at, d.read_at, d.archived_at FROM bellhop.delivery d
                    WHERE d.user_id = $1 AND (d.rule & 8) = 0
                      AND (d.state NOT IN (2, 4) OR d.reason IS NULL) AND d.at > $2::timestamptz - interval '31 days'
                    ORDER BY d.seq DESC LIMIT 1000) newest
            WHERE archived_at IS NULL"#,
        user,
        now.to_sqlx(),
    )
    .fetch_one(conn)
    .await?;
    Ok(InboxCounts {
        unseen: row.unseen,
        unread: row.unread,
    })
}

/// Something of a thread that was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// The notification.
    pub notification: Uuid,
    /// Whose thread: keys of two services are not alike.
    pub service: Uuid,
    /// The thread.
    pub thread: String,
    /// Outer id of who read it.
    pub user: String,
    /// Their name.
    pub name: String,
}

/// Which of these notifications the user read at exactly that moment, of threads; at most 100.
pub async fn read_at(
    conn: &mut PgConnection,
    user: Uuid,
    ids: &[Uuid],
    at: Timestamp,
) -> sqlx::Result<Vec<Read>> {
    sqlx::query_as!(
        Read,
        r#"SELECT n.id AS notification, n.service_id AS service, n.thread_key AS "thread!", u.key AS user, u.name
             FROM bellhop.delivery d
             JOIN bellhop.notification n
               ON n.id = d.notification_id AND n.at = bellhop.instant_of(d.notification_id)
             JOIN bellhop.user_account u ON u.id = d.user_id
            WHERE d.user_id = $1 AND d.notification_id = ANY($2) AND d.read_at = $3
              AND d.at > $3::timestamptz - interval '31 days'
              AND n.thread_key IS NOT NULL AND (d.rule & 8) = 0
            ORDER BY d.seq DESC LIMIT 100"#,
        user,
        ids,
        at.to_sqlx(),
    )
    .fetch_all(conn)
    .await
}

/// Who takes part in a thread: whoever was given something of it within 31 days and is still here, at most 200.
pub async fn participants(
    conn: &mut PgConnection,
    service: Uuid,
    thread: &str,
    now: Timestamp,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT d.user_id FROM bellhop.notification n
             JOIN bellhop.delivery d ON d.notification_id = n.id AND d.at >= n.at - interval '1 minute'
             JOIN bellhop.user_account u ON u.id = d.user_id AND u.active
            WHERE n.service_id = $1 AND n.thread_key = $2
              AND n.at > $3::timestamptz - interval '31 days' AND (d.rule & 8) = 0
            LIMIT 200"#,
        service,
        thread,
        now.to_sqlx(),
    )
    .fetch_all(conn)
    .await
}

/// How many of their newest 1,000 notifications these users have not seen; who has none is left out. `users`
/// without doubles.
pub async fn unseen(
    conn: &mut PgConnection,
    users: &[Uuid],
    now: Timestamp,
) -> sqlx::Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT u.id AS "user!", c.unseen AS "unseen!"
             FROM unnest($1::uuid[]) AS u (id)
            CROSS JOIN LATERAL (
                  SELECT count(*) AS unseen
                    FROM (SELECT d.seen_at, d.archived_at FROM bellhop.delivery d
                           WHERE d.user_id = u.id AND (d.rule & 8) = 0
                             AND (d.state NOT IN (2, 4) OR d.reason IS NULL)
                             AND d.at > $2::timestamptz - interval '31 days'
                           ORDER BY d.seq DESC LIMIT 1000) newest
                   WHERE seen_at IS NULL AND archived_at IS NULL) c
            WHERE c.unseen > 0"#,
        users,
        now.to_sqlx(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user, row.unseen)).collect())
}

/// What a mark does to an item: `Some(true)` sets, `Some(false)` clears, `None` leaves alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    /// Shown.
    pub seen: Option<bool>,
    /// Clicked.
    pub read: Option<bool>,
    /// Put away.
    pub archived: Option<bool>,
}

/// Marks the user's items; answers how many changed. Rows are locked in order of their numbers
/// first, as acks do. What was looked at here is taken back from phones that still show it.
pub async fn mark(
    conn: &mut PgConnection,
    user: Uuid,
    ids: &[Uuid],
    change: Change,
    now: Timestamp,
) -> sqlx::Result<u64> {
    let rows = sqlx::query!(
        r#"SELECT d.seq, d.at, d.read_at IS NULL AS "unread!" FROM bellhop.delivery d
            WHERE d.user_id = $1 AND d.notification_id = ANY($2)
              AND d.at > $6::timestamptz - interval '31 days'
              AND (($3::bool IS NOT NULL AND (d.seen_at IS NOT NULL) <> $3)
                OR ($4::bool IS NOT NULL AND (d.read_at IS NOT NULL) <> $4)
                OR ($5::bool IS NOT NULL AND (d.archived_at IS NOT NULL) <> $5))
            ORDER BY d.seq FOR NO KEY UPDATE"#,
        user,
        ids,
        change.seen,
        change.read,
        change.archived,
        now.to_sqlx(),
    )
    .fetch_all(&mut *conn)
    .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query!(
        r#"WITH told AS (
               INSERT INTO bellhop.webhook_event
                      (webhook_id, event, notification_id, user_id, seq, at, wanted)
               SELECT w.id, 'notification.read', d.notification_id, d.user_id, d.seq, $7, true
                 FROM bellhop.webhook w
                 JOIN bellhop.delivery d
                   ON d.user_id = $1 AND d.seq = ANY($8) AND d.tenant_id = w.tenant_id AND (d.rule & 8) = 0
                 JOIN bellhop.notification n
                   ON n.id = d.notification_id AND n.at = bellhop.instant_of(d.notification_id)
                  AND n.service_id = w.service_id
                WHERE $5 AND w.disabled_at IS NULL AND 'notification.read' = ANY(w.events))
           UPDATE bellhop.delivery d
              SET seen_at = CASE $4::bool WHEN true THEN coalesce(d.seen_at, $7) WHEN false THEN NULL
                            ELSE d.seen_at END,
                  read_at = CASE $5::bool WHEN true THEN coalesce(d.read_at, $7) WHEN false THEN NULL
                            ELSE d.read_at END,
                  archived_at = CASE $6::bool WHEN true THEN coalesce(d.archived_at, $7)
                                WHEN false THEN NULL ELSE d.archived_at END
             FROM unnest($2::bigint[], $3::bigint[]) AS m (seq, at)
            WHERE d.user_id = $1 AND d.seq = m.seq
              AND d.at = timestamptz 'epoch' + m.at * interval '1 microsecond'
        RETURNING d.seq, d.pushed_at IS NOT NULL AND d.state = 2 AS "shown!""#,
        user,
        &rows.iter().map(|row| row.seq).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.at.to_jiff().as_microsecond()).collect::<Vec<_>>(),
        change.seen,
        change.read,
        change.archived,
        now.to_sqlx(),
        &rows
            .iter()
            .filter(|row| row.unread)
            .map(|row| row.seq)
            .collect::<Vec<_>>(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let changed = done.len();
    if change.seen == Some(true) || change.read == Some(true) {
        let mut shown: Vec<i64> = done
            .iter()
            .filter(|row| row.shown)
            .map(|row| row.seq)
            .collect();
        if !shown.is_empty() {
            shown.sort_unstable();
            let users = vec![user; shown.len()];
            super::debts::look_again(conn, &users, &shown, now).await?;
        }
    }
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}
