//! Where a request came from, and the customer's ids of its people.

use sqlx::PgConnection;
use uuid::Uuid;

/// The service a request came through, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginRow {
    /// Inner id of the service.
    pub service: Uuid,
    /// Goes up with every edit.
    pub revision: i32,
}

/// Of one request; `None`: the tenant has none such.
pub async fn origin(
    conn: &mut PgConnection,
    tenant: Uuid,
    request: Uuid,
) -> sqlx::Result<Option<OriginRow>> {
    sqlx::query_as!(
        OriginRow,
        "SELECT service_id AS service, revision FROM bellhop.request
          WHERE id = $1 AND tenant_id = $2",
        request,
        tenant,
    )
    .fetch_optional(conn)
    .await
}

/// The customer's ids of users, active or not.
pub async fn keys_of(
    conn: &mut PgConnection,
    tenant: Uuid,
    users: &[Uuid],
) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        "SELECT id, key FROM bellhop.user_account WHERE tenant_id = $1 AND id = ANY($2)",
        tenant,
        users,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.key)).collect())
}
