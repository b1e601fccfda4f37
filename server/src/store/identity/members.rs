//! Who belongs where. A list given replaces the list there was.

use sqlx::PgConnection;
use uuid::Uuid;

/// The inner ids of these keys, in the order of `keys`; `None` where there is no such thing.
pub async fn departments(
    conn: &mut PgConnection,
    tenant: Uuid,
    keys: &[String],
) -> sqlx::Result<Vec<Option<Uuid>>> {
    sqlx::query_scalar!(
        r#"SELECT d.id AS "id?" FROM unnest($2::text[]) WITH ORDINALITY AS k (key, n)
             LEFT JOIN bellhop.department d ON d.tenant_id = $1 AND d.key = k.key ORDER BY k.n"#,
        tenant,
        keys,
    )
    .fetch_all(conn)
    .await
}

/// The same for custom groups.
pub async fn groups(
    conn: &mut PgConnection,
    tenant: Uuid,
    keys: &[String],
) -> sqlx::Result<Vec<Option<Uuid>>> {
    sqlx::query_scalar!(
        r#"SELECT g.id AS "id?" FROM unnest($2::text[]) WITH ORDINALITY AS k (key, n)
             LEFT JOIN bellhop.custom_group g ON g.tenant_id = $1 AND g.key = k.key ORDER BY k.n"#,
        tenant,
        keys,
    )
    .fetch_all(conn)
    .await
}

/// The same for services.
pub async fn services(
    conn: &mut PgConnection,
    tenant: Uuid,
    keys: &[String],
) -> sqlx::Result<Vec<Option<Uuid>>> {
    sqlx::query_scalar!(
        r#"SELECT s.id AS "id?" FROM unnest($2::text[]) WITH ORDINALITY AS k (key, n)
             LEFT JOIN bellhop.service s ON s.tenant_id = $1 AND s.key = k.key ORDER BY k.n"#,
        tenant,
        keys,
    )
    .fetch_all(conn)
    .await
}

/// Sets the user's departments; `true` when that changed anything.
pub async fn set_departments(
    conn: &mut PgConnection,
    tenant: Uuid,
    user: Uuid,
    ids: &[Uuid],
) -> sqlx::Result<bool> {
    let gone = sqlx::query!(
        "DELETE FROM bellhop.user_department
          WHERE tenant_id = $1 AND user_id = $2 AND department_id <> ALL($3)",
        tenant,
        user,
        ids,
    )
    .execute(&mut *conn)
    .await?;
    let come = sqlx::query!(
        "INSERT INTO bellhop.user_department (tenant_id, user_id, department_id)
         SELECT $1, $2, id FROM unnest($3::uuid[]) AS t (id) ON CONFLICT DO NOTHING",
        tenant,
        user,
        ids,
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected() + come.rows_affected() > 0)
}

/// Sets the user's custom groups; `true` when that changed anything.
pub async fn set_groups(
    conn: &mut PgConnection,
    tenant: Uuid,
    user: Uuid,
    ids: &[Uuid],
) -> sqlx::Result<bool> {
    let gone = sqlx::query!(
        "DELETE FROM bellhop.group_member
          WHERE tenant_id = $1 AND user_id = $2 AND group_id <> ALL($3)",
        tenant,
        user,
        ids,
    )
    .execute(&mut *conn)
    .await?;
    let come = sqlx::query!(
        "INSERT INTO bellhop.group_member (tenant_id, user_id, group_id)
         SELECT $1, $2, id FROM unnest($3::uuid[]) AS t (id) ON CONFLICT DO NOTHING",
        tenant,
        user,
        ids,
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected() + come.rows_affected() > 0)
}

/// Sets the services the user is a member of; `true` when that changed anything.
pub async fn set_services(
    conn: &mut PgConnection,
    tenant: Uuid,
    user: Uuid,
    ids: &[Uuid],
) -> sqlx::Result<bool> {
    let gone = sqlx::query!(
        "DELETE FROM bellhop.service_member
          WHERE tenant_id = $1 AND user_id = $2 AND service_id <> ALL($3)",
        tenant,
        user,
        ids,
    )
    .execute(&mut *conn)
    .await?;
    let come = join_services(conn, tenant, user, ids).await?;
    Ok(gone.rows_affected() > 0 || come)
}

/// Adds memberships of services; `true` when any was new.
pub async fn join_services(
    conn: &mut PgConnection,
    tenant: Uuid,
    user: Uuid,
    ids: &[Uuid],
) -> sqlx::Result<bool> {
    let come = sqlx::query!(
        "INSERT INTO bellhop.service_member (tenant_id, user_id, service_id)
         SELECT $1, $2, id FROM unnest($3::uuid[]) AS t (id) ON CONFLICT DO NOTHING",
        tenant,
        user,
        ids,
    )
    .execute(conn)
    .await?;
    Ok(come.rows_affected() > 0)
}
