//! The demo company's rows that have no use case of their own, in bulk.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// Has anybody's tenant been made here?
pub async fn has_tenants(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM bellhop.tenant) AS "any!""#)
        .fetch_one(conn)
        .await
}

/// Is there a tenant with this key?
pub async fn exists(conn: &mut PgConnection, key: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM bellhop.tenant WHERE key = $1) AS "there!""#,
        key,
    )
    .fetch_one(conn)
    .await
}

/// Makes the tenant; false when somebody else just did.
pub async fn insert_tenant(
    conn: &mut PgConnection,
    id: Uuid,
    key: &str,
    name: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO bellhop.tenant (id, key, name, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (key) DO NOTHING",
        id,
        key,
        name,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes a service.
pub async fn insert_service(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: Uuid,
    key: &str,
    name: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.service (id, tenant_id, key, name, created_at)
         VALUES ($1, $2, $3, $4, $5)",
        id,
        tenant,
        key,
        name,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Things with a key and a name.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// Inner ids.
    pub ids: Vec<Uuid>,
    /// The customer's keys.
    pub keys: Vec<String>,
    /// Display names.
    pub names: Vec<String>,
}

/// Makes sites; `zones` goes with `sites`.
pub async fn insert_sites(
    conn: &mut PgConnection,
    tenant: Uuid,
    sites: &Named,
    zones: &[String],
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.site (id, tenant_id, key, name, zone)
         SELECT n.id, $1, n.key, n.name, n.zone
           FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) AS n (id, key, name, zone)",
        tenant,
        &sites.ids,
        &sites.keys,
        &sites.names,
        zones,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes departments.
pub async fn insert_departments(
    conn: &mut PgConnection,
    tenant: Uuid,
    rows: &Named,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.department (id, tenant_id, key, name)
         SELECT n.id, $1, n.key, n.name
           FROM unnest($2::uuid[], $3::text[], $4::text[]) AS n (id, key, name)",
        tenant,
        &rows.ids,
        &rows.keys,
        &rows.names,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes custom groups.
pub async fn insert_groups(
    conn: &mut PgConnection,
    tenant: Uuid,
    rows: &Named,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.custom_group (id, tenant_id, key, name)
         SELECT n.id, $1, n.key, n.name
           FROM unnest($2::uuid[], $3::text[], $4::text[]) AS n (id, key, name)",
        tenant,
        &rows.ids,
        &rows.keys,
        &rows.names,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// People; all vectors go together.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// Ids, keys and names.
    pub named: Named,
    /// Names for the sign-in page.
    pub logins: Vec<Option<String>>,
    /// Hashes of their passwords.
    pub hashes: Vec<Option<String>>,
    /// Roles, joined by commas.
    pub roles: Vec<String>,
    /// Inner ids of the managers.
    pub managers: Vec<Option<Uuid>>,
    /// Inner ids of the sites.
    pub sites: Vec<Uuid>,
    /// Inner ids of the departments.
    pub departments: Vec<Uuid>,
}

/// Makes people with their streams and their department.
pub async fn insert_people(
    conn: &mut PgConnection,
    tenant: Uuid,
    people: &People,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.user_account (id, tenant_id, key, name, login, password_hash, roles,
                manager_id, site_id, created_at, updated_at)
         SELECT n.id, $1, n.key, n.name, n.login, n.hash, string_to_array(n.roles, ','),
                n.manager, n.site, $2, $2
           FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                       $9::uuid[], $10::uuid[])
                AS n (id, key, name, login, hash, roles, manager, site)",
        tenant,
        now.to_sqlx(),
        &people.named.ids,
        &people.named.keys,
        &people.named.names,
        &people.logins as _,
        &people.hashes as _,
        &people.roles,
        &people.managers as _,
        &people.sites,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO bellhop.user_stream (user_id, tenant_id)
         SELECT id, $1 FROM unnest($2::uuid[]) AS n (id)",
        tenant,
        &people.named.ids,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO bellhop.user_department (tenant_id, user_id, department_id)
         SELECT $1, n.id, n.department
           FROM unnest($2::uuid[], $3::uuid[]) AS n (id, department)",
        tenant,
        &people.named.ids,
        &people.departments,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes everybody a member of a service.
pub async fn join_service(
    conn: &mut PgConnection,
    tenant: Uuid,
    service: Uuid,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.service_member (tenant_id, user_id, service_id)
         SELECT tenant_id, id, $2 FROM bellhop.user_account WHERE tenant_id = $1",
        tenant,
        service,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes these people members of a custom group.
pub async fn join_group(
    conn: &mut PgConnection,
    tenant: Uuid,
    group: Uuid,
    users: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.group_member (tenant_id, user_id, group_id)
         SELECT $1, n.id, $2 FROM unnest($3::uuid[]) AS n (id)",
        tenant,
        group,
        users,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Maps PINs, each on its device.
pub async fn insert_pins(
    conn: &mut PgConnection,
    tenant: Uuid,
    devices: &[String],
    pins: &[String],
    users: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.device_user (tenant_id, device, pin, user_id)
         SELECT $1, n.device, n.pin, n.user_id
           FROM unnest($2::text[], $3::text[], $4::uuid[]) AS n (device, pin, user_id)",
        tenant,
        devices,
        pins,
        users,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deliveries older than `before` were acknowledged, and most of them read; a third of those were
/// put away. Which ones follows from their numbers, so that a demo always looks the same.
pub async fn settle_deliveries(
    conn: &mut PgConnection,
    tenant: Uuid,
    before: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.delivery
            SET state = 2, settled_at = at + interval '2 seconds', seen_at = at + interval '4 minutes',
                read_at = CASE WHEN seq % 4 <> 0 THEN at + interval '5 minutes' END,
                archived_at = CASE WHEN seq % 4 = 1 THEN at + interval '9 minutes' END
          WHERE tenant_id = $1 AND at < $2",
        tenant,
        before.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the story's decisions took back: nobody was connected, so no screen has to be told.
pub async fn forget_withdrawals(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM bellhop.fanout WHERE tenant_id = $1", tenant)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "DELETE FROM bellhop.notification WHERE tenant_id = $1 AND kind = 'NotificationWithdrawn'",
        tenant
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells the planner what was just written, or its first plans are those of empty tables.
pub async fn analyze(conn: &mut PgConnection) -> sqlx::Result<()> {
    for table in [
        "ANALYZE bellhop.user_account",
        "ANALYZE bellhop.user_department",
        "ANALYZE bellhop.service_member",
        "ANALYZE bellhop.device_user",
        "ANALYZE bellhop.notification",
        "ANALYZE bellhop.delivery",
        "ANALYZE bellhop.request",
        "ANALYZE bellhop.request_step",
        "ANALYZE bellhop.assignment",
        "ANALYZE bellhop.punch_raw",
        "ANALYZE bellhop.punch",
        "ANALYZE bellhop.attendance_day",
    ] {
        sqlx::query(table).execute(&mut *conn).await?;
    }
    Ok(())
}
