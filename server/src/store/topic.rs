//! Revisions of the live screens' topics.

use sqlx::PgConnection;
use uuid::Uuid;

/// Raises the revision of each topic by one; answers the new revisions in the order of `names`.
///
/// The last lock of a transaction: call it after everything else, with `names` sorted and unique.
pub async fn raise(
    conn: &mut PgConnection,
    tenant: Uuid,
    names: &[String],
) -> sqlx::Result<Vec<i64>> {
    let rows = sqlx::query!(
        r#"INSERT INTO bellhop.topic AS t (tenant_id, name, rev)
           SELECT $1, n.name, 1 FROM unnest($2::text[]) AS n (name) ORDER BY n.name
           ON CONFLICT (tenant_id, name) DO UPDATE SET rev = t.rev + 1
           RETURNING name, rev"#,
        tenant,
        names,
    )
    .fetch_all(conn)
    .await?;
    Ok(names
        .iter()
        .map(|name| rows.iter().find(|row| row.name == *name).map_or(0, |row| row.rev))
        .collect())
}

/// The revision as of now; 0 for a topic that never changed.
///
/// A snapshot reads this *before* its rows: it may then be older than them, never newer, and a
/// patch that it already contains does no harm.
pub async fn revision(conn: &mut PgConnection, tenant: Uuid, name: &str) -> sqlx::Result<i64> {
    let rev = sqlx::query_scalar!(
        "SELECT rev FROM bellhop.topic WHERE tenant_id = $1 AND name = $2",
        tenant,
        name,
    )
    .fetch_optional(conn)
    .await?;
    Ok(rev.unwrap_or(0))
}
