//! The newest tries of each webhook's requests, to be looked at.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Tries that are kept of each webhook: a day of one that takes nothing, a minute of a busy one.
pub const KEPT: i64 = 50;

/// One try of one request.
#[derive(Clone, Debug)]
pub struct Try {
    /// Header `webhook-id`.
    pub message: Uuid,
    /// 1 for a request's first; 0: a test.
    pub nth: i16,
    /// What it told, counted: `12 acked, 1 settled`.
    pub about: String,
    /// When its outcome was known.
    pub at: Timestamp,
    /// What the receiver answered, if it did.
    pub status: Option<i16>,
    /// What was wrong; `None`: it was taken.
    pub failure: Option<String>,
    /// When it is tried again.
    pub next_at: Option<Timestamp>,
}

/// Keeps one, and of the older ones as many as are kept; nothing, when the webhook is gone.
pub async fn note(conn: &mut PgConnection, webhook: Uuid, one: &Try) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH older AS (
             DELETE FROM bellhop.webhook_try
              WHERE webhook_id = $1
                AND id <= (SELECT id FROM bellhop.webhook_try WHERE webhook_id = $1
                            ORDER BY id DESC OFFSET $9 LIMIT 1))
         INSERT INTO bellhop.webhook_try (webhook_id, message_id, nth, about, at, status, failure, next_at)
         SELECT id, $2, $3, $4, $5, $6, $7, $8 FROM bellhop.webhook WHERE id = $1",
        webhook,
        one.message,
        one.nth,
        one.about,
        one.at.to_sqlx(),
        one.status,
        one.failure,
        one.next_at.map(jiff_sqlx::ToSqlx::to_sqlx) as Option<jiff_sqlx::Timestamp>,
        KEPT - 1,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest, the latest first.
pub async fn newest(conn: &mut PgConnection, webhook: Uuid, most: i64) -> sqlx::Result<Vec<Try>> {
    let rows = sqlx::query!(
        "SELECT message_id, nth, about, at, status, failure, next_at
           FROM bellhop.webhook_try WHERE webhook_id = $1 ORDER BY id DESC LIMIT $2",
        webhook,
        most,
    )
    .fetch_all(conn)
    .await?;
    let read = |stamp: jiff_sqlx::Timestamp| stamp.to_jiff();
    Ok(rows
        .into_iter()
        .map(|row| Try {
            message: row.message_id,
            nth: row.nth,
            about: row.about,
            at: row.at.to_jiff(),
            status: row.status,
            failure: row.failure,
            next_at: row.next_at.map(read),
        })
        .collect())
}
