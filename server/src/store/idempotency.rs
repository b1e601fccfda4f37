//! Keys that make a repeated publish recognisable. Not partitioned by time: across midnight a
//! unique key would not hold.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Keys to claim, column by column, sorted by (service, hash).
#[derive(Default)]
pub struct Claims {
    /// Publishing service.
    pub services: Vec<Uuid>,
    /// SHA-256 of the key.
    pub key_hashes: Vec<Vec<u8>>,
    /// SHA-256 of the body.
    pub body_hashes: Vec<Vec<u8>>,
    /// The notification that would be made.
    pub notifications: Vec<Uuid>,
    /// Its number of recipients.
    pub recipients: Vec<i32>,
}

/// A key that somebody else holds.
pub struct Held {
    /// Publishing service.
    pub service: Uuid,
    /// SHA-256 of the key.
    pub key_hash: Vec<u8>,
    /// SHA-256 of the body it was used with.
    pub body_hash: Vec<u8>,
    /// What it made.
    pub notification: Uuid,
    /// To how many.
    pub recipients: i32,
}

/// Claims keys; answers the notifications whose key was free.
pub async fn claim(
    conn: &mut PgConnection,
    claims: &Claims,
    now: Timestamp,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"INSERT INTO bellhop.idempotency
                  (service_id, key_hash, body_hash, notification_id, recipients, at)
           SELECT c.service, c.key_hash, c.body_hash, c.notification, c.recipients, $6
             FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::uuid[], $5::int[])
                  AS c (service, key_hash, body_hash, notification, recipients)
            ORDER BY c.service, c.key_hash
           ON CONFLICT DO NOTHING
           RETURNING notification_id"#,
        &claims.services,
        &claims.key_hashes,
        &claims.body_hashes,
        &claims.notifications,
        &claims.recipients,
        now.to_sqlx(),
    )
    .fetch_all(conn)
    .await
}

/// Reads the holders of keys that were not free. A statement of its own: the one that lost does not
/// see the winner's row.
pub async fn holders(conn: &mut PgConnection, claims: &Claims) -> sqlx::Result<Vec<Held>> {
    sqlx::query_as!(
        Held,
        r#"SELECT i.service_id AS service, i.key_hash, i.body_hash,
                  i.notification_id AS notification, i.recipients
             FROM unnest($1::uuid[], $2::bytea[]) AS c (service, key_hash)
             JOIN bellhop.idempotency i ON i.service_id = c.service AND i.key_hash = c.key_hash"#,
        &claims.services,
        &claims.key_hashes,
    )
    .fetch_all(conn)
    .await
}
