//! Rows that foreign programs appended through SQL.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// One appended row.
pub struct Row {
    /// Order of arrival among rows that are visible together.
    pub id: i64,
    /// `publish` or `punch`.
    pub what: String,
    /// Tenant of the calling role.
    pub tenant: Uuid,
    /// Service of the calling role.
    pub service: Uuid,
    /// The id the caller got.
    pub ticket: Uuid,
    /// JSON.
    pub payload: String,
    /// When it was appended.
    pub at: jiff_sqlx::Timestamp,
}

/// Rings a bell by hand.
pub async fn ring(conn: &mut PgConnection, channel: &str, payload: &str) -> sqlx::Result<()> {
    sqlx::query!("SELECT pg_notify($1, $2)", channel, payload)
        .execute(conn)
        .await?;
    Ok(())
}

/// One router at a time, over all nodes, held until the transaction ends.
pub async fn try_lease(conn: &mut PgConnection) -> sqlx::Result<bool> {
    let held = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtext('bellhop.intake')) AS "held!""#
    )
    .fetch_one(conn)
    .await?;
    Ok(held)
}

/// Takes the first `most` visible rows out of the queue. Deleting from a queue needs no horizon: a
/// row that becomes visible later is simply taken later, whatever its id.
pub async fn take(conn: &mut PgConnection, most: i64) -> sqlx::Result<Vec<Row>> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"DELETE FROM bellhop.intake
            WHERE id IN (SELECT id FROM bellhop.intake ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING id, what, tenant_id AS tenant, service_id AS service, ticket, payload, at"#,
        most,
    )
    .fetch_all(conn)
    .await?;
    rows.sort_unstable_by_key(|row| row.id);
    Ok(rows)
}

/// Keeps a row that cannot be routed, with the reason.
pub async fn refuse(
    conn: &mut PgConnection,
    row: &Row,
    reason: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.intake_refused
                (id, what, tenant_id, service_id, ticket, payload, at, reason, refused_at)
         VALUES ($1, $2, $3, $4, $5, $6, $9, $8, $7)",
        row.id,
        row.what,
        row.tenant,
        row.service,
        row.ticket,
        row.payload,
        now.to_sqlx(),
        reason,
        row.at as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}
