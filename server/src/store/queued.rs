//! The admin console's view of what is owed, within one tenant.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// One delivery still owed.
pub struct Row {
    /// The notification.
    pub notification: Uuid,
    /// Kind.
    pub kind: String,
    /// Title.
    pub title: String,
    /// Inner id of the recipient.
    pub user: Uuid,
    /// Outer id of the recipient.
    pub key: String,
    /// Display name of the recipient.
    pub name: String,
    /// Their number of it.
    pub seq: i64,
    /// Stored number of the state.
    pub state: i16,
    /// When it was routed.
    pub at: jiff_sqlx::Timestamp,
    /// When it stops being worth delivering.
    pub expires_at: jiff_sqlx::Timestamp,
    /// Writes to connections.
    pub attempts: i64,
}

/// A page, oldest first; `search` is part of a name, an outer id or a title.
///
/// Without a search the page is cut before anything is joined: with 36,000 owed the join of all of them
/// took a third of a second.
pub async fn page(
    conn: &mut PgConnection,
    tenant: Uuid,
    search: &str,
    skip: i64,
    most: i64,
    now: Timestamp,
) -> sqlx::Result<Vec<Row>> {
    if search.is_empty() {
        return sqlx::query_as!(
            Row,
            r#"SELECT d.notification_id AS notification, n.kind, n.title, d.user_id AS user, u.key,
                      u.name, d.seq, d.state, d.at, d.expires_at,
                      (SELECT count(*) FROM bellhop.attempt a
                        WHERE a.user_id = d.user_id AND a.seq = d.seq) AS "attempts!"
                 FROM (SELECT d.notification_id, d.user_id, d.seq, d.state, d.at, d.expires_at
                         FROM bellhop.delivery d
                        WHERE d.tenant_id = $1 AND d.state < 2 AND (d.rule & 8) = 0 AND d.expires_at > $2
                          AND d.at > $2::timestamptz - interval '31 days'
                        ORDER BY d.at, d.user_id, d.seq OFFSET $3 LIMIT $4) d
                 JOIN bellhop.notification n
                   ON n.id = d.notification_id AND n.at = bellhop.instant_of(d.notification_id)
                 JOIN bellhop.user_account u ON u.id = d.user_id
                ORDER BY d.at, d.user_id, d.seq"#,
            tenant,
            now.to_sqlx(),
            skip,
            most,
        )
        .fetch_all(conn)
        .await;
    }
    sqlx::query_as!(
        Row,
        r#"SELECT d.notification_id AS notification, n.kind, n.title, d.user_id AS user, u.key, u.name,
                  d.seq, d.state, d.at, d.expires_at,
                  (SELECT count(*) FROM bellhop.attempt a
                    WHERE a.user_id = d.user_id AND a.seq = d.seq) AS "attempts!"
             FROM bellhop.delivery d
             JOIN bellhop.notification n
               ON n.id = d.notification_id AND n.at = bellhop.instant_of(d.notification_id)
             JOIN bellhop.user_account u ON u.id = d.user_id
            WHERE d.tenant_id = $1 AND d.state < 2 AND (d.rule & 8) = 0 AND d.expires_at > $2
              AND d.at > $2::timestamptz - interval '31 days'
              AND (strpos(lower(u.name), lower($3)) > 0 OR strpos(u.key, $3) > 0
                   OR strpos(lower(n.title), lower($3)) > 0)
            ORDER BY d.at, d.user_id, d.seq OFFSET $4 LIMIT $5"#,
        tenant,
        now.to_sqlx(),
        search,
        skip,
        most,
    )
    .fetch_all(conn)
    .await
}

/// How many match, counted up to 10,000.
pub async fn count(
    conn: &mut PgConnection,
    tenant: Uuid,
    search: &str,
    now: Timestamp,
) -> sqlx::Result<i64> {
    if search.is_empty() {
        return sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM (
                 SELECT FROM bellhop.delivery d
                  WHERE d.tenant_id = $1 AND d.state < 2 AND (d.rule & 8) = 0 AND d.expires_at > $2
                    AND d.at > $2::timestamptz - interval '31 days'
                  LIMIT 10000) owed"#,
            tenant,
            now.to_sqlx(),
        )
        .fetch_one(conn)
        .await;
    }
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
             SELECT FROM bellhop.delivery d
               JOIN bellhop.notification n
                 ON n.id = d.notification_id AND n.at = bellhop.instant_of(d.notification_id)
               JOIN bellhop.user_account u ON u.id = d.user_id
              WHERE d.tenant_id = $1 AND d.state < 2 AND (d.rule & 8) = 0 AND d.expires_at > $2
                AND d.at > $2::timestamptz - interval '31 days'
                AND (strpos(lower(u.name), lower($3)) > 0 OR strpos(u.key, $3) > 0
                     OR strpos(lower(n.title), lower($3)) > 0)
              LIMIT 10000) matching"#,
        tenant,
        now.to_sqlx(),
        search,
    )
    .fetch_one(conn)
    .await
}

/// When the oldest owed delivery was routed, and how many were acked within the last hour.
pub struct Age {
    /// `None`: nothing is owed.
    pub oldest: Option<jiff_sqlx::Timestamp>,
    /// Counted up to 100,000.
    pub acked_last_hour: i64,
}

/// Numbers for the overview.
pub async fn age(conn: &mut PgConnection, tenant: Uuid, now: Timestamp) -> sqlx::Result<Age> {
    sqlx::query_as!(
        Age,
        r#"SELECT (SELECT min(d.at) FROM bellhop.delivery d
                    WHERE d.tenant_id = $1 AND d.state < 2 AND (d.rule & 8) = 0 AND d.expires_at > $2
                      AND d.at > $2::timestamptz - interval '31 days') AS oldest,
                  (SELECT count(*) FROM (SELECT FROM bellhop.ack a
                    WHERE a.tenant_id = $1 AND a.via <> 'reached'
                      AND a.at > $2::timestamptz - interval '1 hour' LIMIT 100000) recent)
                  AS "acked_last_hour!""#,
        tenant,
        now.to_sqlx(),
    )
    .fetch_one(conn)
    .await
}
