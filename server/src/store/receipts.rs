//! What became of a notification, in numbers.

use sqlx::PgConnection;
use uuid::Uuid;

/// Deliveries of a notification by where they stand. As long as it is being routed in pages, those still to be
/// routed count as queued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those who get it: deputies included, and whoever is still to be routed to.
    pub recipients: i64,
    /// Owed.
    pub queued: i64,
    /// Read by a client that never acks.
    pub reached: i64,
    /// Acked.
    pub acked: i64,
    /// Its time was over.
    pub expired: i64,
    /// Given up.
    pub dead: i64,
    /// Taken back.
    pub cancelled: i64,
    /// Shown in an open inbox.
    pub seen: i64,
    /// Opened.
    pub read: i64,
    /// Nothing more is done about any of them.
    pub settled: bool,
}

/// Counts a notification's deliveries by the index of its id: 1,000 recipients take about a millisecond.
pub async fn counts(conn: &mut PgConnection, notification: Uuid) -> sqlx::Result<Counts> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "given!",
                  count(*) FILTER (WHERE d.state = 0) AS "queued!",
                  count(*) FILTER (WHERE d.state = 1) AS "reached!",
                  count(*) FILTER (WHERE d.state = 2) AS "acked!",
                  count(*) FILTER (WHERE d.state = 3) AS "expired!",
                  count(*) FILTER (WHERE d.state = 4) AS "cancelled!",
                  count(*) FILTER (WHERE d.state = 5) AS "dead!",
                  count(d.seen_at) AS "seen!", count(d.read_at) AS "read!",
                  count(*) FILTER (WHERE d.state = 0 OR d.state = 1 AND (d.rule & 7) <> 4) AS "owed!",
                  (SELECT greatest(0, n.recipients - f.given)::bigint FROM bellhop.fanout f
                     JOIN bellhop.notification n
                       ON n.id = f.notification_id AND n.at = bellhop.instant_of(f.notification_id)
                    WHERE f.notification_id = $1) AS "to_come?"
             FROM bellhop.delivery d
            WHERE d.notification_id = $1 AND d.at >= bellhop.instant_of($1) - interval '1 minute'"#,
        notification,
    )
    .fetch_one(conn)
    .await?;
    let to_come = row.to_come.unwrap_or(0);
    Ok(Counts {
        recipients: row.given + to_come,
        queued: row.queued + to_come,
        reached: row.reached,
        acked: row.acked,
        expired: row.expired,
        dead: row.dead,
        cancelled: row.cancelled,
        seen: row.seen,
        read: row.read,
        settled: row.owed == 0 && row.to_come.is_none(),
    })
}
