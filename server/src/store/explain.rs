//! "Why did she not get it?": one notification with all that is known of each delivery.

use jiff_sqlx::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// The notification itself.
pub struct Head {
    /// Kind.
    pub kind: String,
    /// Title.
    pub title: String,
    /// When it was accepted.
    pub at: Timestamp,
    /// When it stops being worth delivering.
    pub expires_at: Timestamp,
    /// To how many users.
    pub recipients: i32,
    /// In words.
    pub audience: String,
}

/// Reads a notification of one tenant-service; anybody else's does not exist.
pub async fn head(
    conn: &mut PgConnection,
    tenant: Uuid,
    service: Uuid,
    id: Uuid,
) -> sqlx::Result<Option<Head>> {
    sqlx::query_as!(
        Head,
        "SELECT kind, title, at, expires_at, recipients, audience FROM bellhop.notification
          WHERE id = $1 AND at = bellhop.instant_of($1) AND tenant_id = $2 AND service_id = $3",
        id,
        tenant,
        service,
    )
    .fetch_optional(conn)
    .await
}

/// One recipient's delivery.
pub struct Delivery {
    /// Inner id of the recipient.
    pub user: Uuid,
    /// Outer id of the recipient.
    pub key: String,
    /// Their number of it.
    pub seq: i64,
    /// Stored number of the state.
    pub state: i16,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
    /// Shown in an inbox.
    pub seen_at: Option<Timestamp>,
    /// Clicked.
    pub read_at: Option<Timestamp>,
}

/// Deliveries in the order of outer ids, after `after`.
pub async fn deliveries(
    conn: &mut PgConnection,
    id: Uuid,
    after: &str,
    most: i64,
) -> sqlx::Result<Vec<Delivery>> {
    sqlx::query_as!(
        Delivery,
        r#"SELECT d.user_id AS user, u.key, d.seq, d.state, d.settled_at, d.seen_at, d.read_at
             FROM bellhop.delivery d JOIN bellhop.user_account u ON u.id = d.user_id
            WHERE d.notification_id = $1 AND d.at >= bellhop.instant_of($1) - interval '1 minute'
              AND u.key > $2
            ORDER BY u.key LIMIT $3"#,
        id,
        after,
        most,
    )
    .fetch_all(conn)
    .await
}

/// A receipt or an attempt of one delivery.
pub struct Trace {
    /// Inner id of the recipient.
    pub user: Uuid,
    /// Their number of it.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Device, empty when unnamed.
    pub device: String,
    /// `hub`, `http`, `reached` of a receipt; the transport of an attempt.
    pub via: String,
}

/// Receipts of these deliveries, oldest first.
pub async fn receipts(
    conn: &mut PgConnection,
    users: &[Uuid],
    seqs: &[i64],
) -> sqlx::Result<Vec<Trace>> {
    sqlx::query_as!(
        Trace,
        r#"SELECT a.user_id AS user, a.seq, a.at, a.device, a.via
             FROM unnest($1::uuid[], $2::bigint[]) AS d (user_id, seq)
             JOIN bellhop.ack a ON a.user_id = d.user_id AND a.seq = d.seq
            ORDER BY a.at"#,
        users,
        seqs,
    )
    .fetch_all(conn)
    .await
}

/// Attempts of these deliveries, oldest first.
pub async fn attempts(
    conn: &mut PgConnection,
    users: &[Uuid],
    seqs: &[i64],
) -> sqlx::Result<Vec<Trace>> {
    sqlx::query_as!(
        Trace,
        r#"SELECT a.user_id AS user, a.seq, a.at, a.device, a.transport AS via
             FROM unnest($1::uuid[], $2::bigint[]) AS d (user_id, seq)
             JOIN bellhop.attempt a ON a.user_id = d.user_id AND a.seq = d.seq
            ORDER BY a.at"#,
        users,
        seqs,
    )
    .fetch_all(conn)
    .await
}
