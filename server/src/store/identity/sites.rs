//! Sites: where people work, and in which time zone.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Outcome;

/// Makes or changes a site.
pub async fn put(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: Uuid,
    key: &str,
    name: &str,
    zone: &str,
) -> sqlx::Result<Outcome> {
    let made = sqlx::query!(
        "INSERT INTO bellhop.site (id, tenant_id, key, name, zone) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, key) DO NOTHING",
        id,
        tenant,
        key,
        name,
        zone,
    )
    .execute(&mut *conn)
    .await?;
    if made.rows_affected() == 1 {
        return Ok(Outcome::Created);
    }
    let changed = sqlx::query!(
        "UPDATE bellhop.site SET name = $3, zone = $4
          WHERE tenant_id = $1 AND key = $2 AND (name, zone) IS DISTINCT FROM ($3, $4)",
        tenant,
        key,
        name,
        zone,
    )
    .execute(conn)
    .await?;
    Ok(if changed.rows_affected() == 1 {
        Outcome::Changed
    } else {
        Outcome::Unchanged
    })
}

/// The site's inner id.
pub async fn find(conn: &mut PgConnection, tenant: Uuid, key: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM bellhop.site WHERE tenant_id = $1 AND key = $2",
        tenant,
        key
    )
    .fetch_optional(conn)
    .await
}
