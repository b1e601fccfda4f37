//! Services, and which database roles speak for them.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Outcome;

/// What may be said of a service beside its name; `None` leaves it as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings<'a> {
    /// Allowed web origins.
    pub origins: Option<&'a [String]>,
    /// How its users' devices acknowledge: `transport`, `explicit`, `result`.
    pub acks: Option<&'a str>,
}

/// Makes or changes a service.
pub async fn put(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: Uuid,
    key: &str,
    name: &str,
    settings: Settings<'_>,
    now: Timestamp,
) -> sqlx::Result<Outcome> {
    let made = sqlx::query!(
        "INSERT INTO bellhop.service (id, tenant_id, key, name, allowed_origins, acks, created_at)
         VALUES ($1, $2, $3, $4, coalesce($5::text[], '{}'), coalesce($7::text, 'transport'), $6)
         ON CONFLICT (tenant_id, key) DO NOTHING",
        id,
        tenant,
        key,
        name,
        settings.origins as _,
        now.to_sqlx() as _,
        settings.acks as _,
    )
    .execute(&mut *conn)
    .await?;
    if made.rows_affected() == 1 {
        return Ok(Outcome::Created);
    }
    let changed = sqlx::query!(
        "UPDATE bellhop.service SET name = $3, allowed_origins = coalesce($4::text[], allowed_origins),
                acks = coalesce($5::text, acks)
          WHERE tenant_id = $1 AND key = $2
            AND (name, allowed_origins, acks)
                IS DISTINCT FROM ($3, coalesce($4::text[], allowed_origins), coalesce($5::text, acks))",
        tenant,
        key,
        name,
        settings.origins as _,
        settings.acks as _,
    )
    .execute(conn)
    .await?;
    Ok(if changed.rows_affected() == 1 {
        Outcome::Changed
    } else {
        Outcome::Unchanged
    })
}

/// Removes a service with its keys, memberships and grants; answers who was a member. Fails by a
/// foreign key when requests of the workplace belong to it. Nobody and nothing: an empty list.
pub async fn remove(conn: &mut PgConnection, tenant: Uuid, key: &str) -> sqlx::Result<Vec<Uuid>> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM bellhop.service WHERE tenant_id = $1 AND key = $2 FOR UPDATE",
        tenant,
        key,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(id) = id else { return Ok(Vec::new()) };
    let members = sqlx::query_scalar!(
        "DELETE FROM bellhop.service_member WHERE tenant_id = $1 AND service_id = $2 RETURNING user_id",
        tenant,
        id,
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM bellhop.role_grant WHERE tenant_id = $1 AND service_id = $2",
        tenant,
        id,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM bellhop.api_key WHERE tenant_id = $1 AND service_id = $2",
        tenant,
        id
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM bellhop.service WHERE tenant_id = $1 AND id = $2",
        tenant,
        id
    )
    .execute(conn)
    .await?;
    Ok(members)
}

/// A tenant's, by outer id: inner id and outer id.
pub async fn of_tenant(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        "SELECT id, key FROM bellhop.service WHERE tenant_id = $1 ORDER BY key",
        tenant,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.key)).collect())
}

/// The web origins a service's browsers may come from; `None`: no such service.
pub async fn allowed_origins(
    conn: &mut PgConnection,
    tenant: Uuid,
    service: Uuid,
) -> sqlx::Result<Option<Vec<String>>> {
    sqlx::query_scalar!(
        "SELECT allowed_origins FROM bellhop.service WHERE tenant_id = $1 AND id = $2",
        tenant,
        service,
    )
    .fetch_optional(conn)
    .await
}

/// A service that browsers of other origins may use.
#[derive(Clone, Debug)]
pub struct Guests {
    pub tenant: Uuid,
    pub service: Uuid,
    /// Exact, `https://app.example.com`.
    pub origins: Vec<String>,
}

/// Every service with allowed origins, of all tenants.
pub async fn guests(conn: &mut PgConnection) -> sqlx::Result<Vec<Guests>> {
    sqlx::query_as!(
        Guests,
        "SELECT tenant_id AS tenant, id AS service, allowed_origins AS origins
           FROM bellhop.service WHERE allowed_origins <> '{}'",
    )
    .fetch_all(conn)
    .await
}

/// Every origin any service allows: a preflight carries no token, so it can only be asked of all.
pub async fn all_origins(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT unnest(allowed_origins) AS "origin!" FROM bellhop.service ORDER BY 1"#,
    )
    .fetch_all(conn)
    .await
}

/// Binds a database role to a service and lets it call the two functions. The role must exist.
pub async fn grant_role(
    conn: &mut PgConnection,
    role: &str,
    tenant: Uuid,
    service: Uuid,
) -> sqlx::Result<bool> {
    let exists = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS "exists!""#,
        role,
    )
    .fetch_one(&mut *conn)
    .await?;
    if !exists {
        return Ok(false);
    }
    sqlx::query!(
        "INSERT INTO bellhop.role_grant (role_name, tenant_id, service_id) VALUES ($1, $2, $3)
         ON CONFLICT (role_name) DO UPDATE SET tenant_id = excluded.tenant_id, service_id = excluded.service_id",
        role,
        tenant,
        service,
    )
    .execute(&mut *conn)
    .await?;
    // GRANT takes no parameters: Postgres itself quotes the name (%I) and every overload is found
    // by catalogue, so a changed signature needs no change here.
    let grants = sqlx::query_scalar!(
        r#"SELECT format('GRANT USAGE ON SCHEMA bellhop TO %I', $1::text) AS "grant!"
           UNION ALL
           SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', p.oid::regprocedure, $1::text)
             FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname = 'bellhop' AND p.proname IN ('publish', 'punch')"#,
        role,
    )
    .fetch_all(&mut *conn)
    .await?;
    for grant in grants {
        sqlx::raw_sql(sqlx::AssertSqlSafe(grant))
            .execute(&mut *conn)
            .await?;
    }
    Ok(true)
}
