//! Users. A user and the row their numbers are counted in are made together.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// A user to be made.
#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    pub id: Uuid,
    pub tenant: Uuid,
    pub key: &'a str,
    pub name: &'a str,
    pub roles: &'a [String],
}

/// A user as stored, locked against other writers of the same row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredUser {
    pub id: Uuid,
    pub name: String,
    pub login: Option<String>,
    pub password_hash: Option<String>,
    pub roles: Vec<String>,
    pub manager_id: Option<Uuid>,
    pub deputy_id: Option<Uuid>,
    pub site_id: Option<Uuid>,
    pub active: bool,
}

/// What signing in needs to know of a login.
#[derive(Clone, Debug)]
pub struct LoginRow {
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub password_hash: Option<String>,
}

/// Makes a user with their stream; `None` when the key is taken. A stream that is there already
/// keeps its number: it never goes back.
pub async fn create(
    conn: &mut PgConnection,
    user: &NewUser<'_>,
    now: Timestamp,
) -> sqlx::Result<Option<Uuid>> {
    let made = sqlx::query_scalar!(
        "INSERT INTO bellhop.user_account (id, tenant_id, key, name, roles, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)
         ON CONFLICT (tenant_id, key) DO NOTHING RETURNING id",
        user.id,
        user.tenant,
        user.key,
        user.name,
        user.roles,
        now.to_sqlx() as _,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(id) = made {
        sqlx::query!(
            "INSERT INTO bellhop.user_stream (user_id, tenant_id) VALUES ($1, $2)
             ON CONFLICT (user_id) DO NOTHING",
            id,
            user.tenant,
        )
        .execute(conn)
        .await?;
    }
    Ok(made)
}

/// The password's hash, if there is one; to see whether a given password is the same.
pub async fn password_hash(
    conn: &mut PgConnection,
    tenant: Uuid,
    key: &str,
) -> sqlx::Result<Option<String>> {
    let found = sqlx::query_scalar!(
        "SELECT password_hash FROM bellhop.user_account WHERE tenant_id = $1 AND key = $2",
        tenant,
        key,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.flatten())
}

/// Reads a user for change. A foreign key to the row does not wait for this lock.
pub async fn lock(
    conn: &mut PgConnection,
    tenant: Uuid,
    key: &str,
) -> sqlx::Result<Option<StoredUser>> {
    sqlx::query_as!(
        StoredUser,
        "SELECT id, name, login, password_hash, roles, manager_id, deputy_id, site_id, active
           FROM bellhop.user_account WHERE tenant_id = $1 AND key = $2 FOR NO KEY UPDATE",
        tenant,
        key,
    )
    .fetch_optional(conn)
    .await
}

/// The inner id of a user, active or not.
pub async fn inner(conn: &mut PgConnection, tenant: Uuid, key: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM bellhop.user_account WHERE tenant_id = $1 AND key = $2",
        tenant,
        key,
    )
    .fetch_optional(conn)
    .await
}

/// Writes the fields of a user as a whole.
pub async fn update(
    conn: &mut PgConnection,
    tenant: Uuid,
    user: &StoredUser,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.user_account
            SET name = $3, login = $4, password_hash = $5, roles = $6, manager_id = $7,
                site_id = $8, active = $9, updated_at = $10, deputy_id = $11
          WHERE tenant_id = $1 AND id = $2",
        tenant,
        user.id,
        user.name,
        user.login,
        user.password_hash,
        &user.roles,
        user.manager_id,
        user.site_id,
        user.active,
        now.to_sqlx() as _,
        user.deputy_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sets the roles only; what an authoritative token may do.
pub async fn set_roles(
    conn: &mut PgConnection,
    tenant: Uuid,
    user: Uuid,
    roles: &[String],
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.user_account SET roles = $3, updated_at = $4
          WHERE tenant_id = $1 AND id = $2 AND roles IS DISTINCT FROM $3",
        tenant,
        user,
        roles,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The inner ids of these keys, in the order of `keys`; `None` where there is no such active user.
pub async fn find(
    conn: &mut PgConnection,
    tenant: Uuid,
    keys: &[String],
) -> sqlx::Result<Vec<Option<Uuid>>> {
    sqlx::query_scalar!(
        r#"SELECT u.id AS "id?" FROM unnest($2::text[]) WITH ORDINALITY AS k (key, n)
             LEFT JOIN bellhop.user_account u
                    ON u.tenant_id = $1 AND u.key = k.key AND u.active
            ORDER BY k.n"#,
        tenant,
        keys,
    )
    .fetch_all(conn)
    .await
}

/// Deactivates a user and takes away what proves who they are; `None` when there is none active.
pub async fn deactivate(
    conn: &mut PgConnection,
    tenant: Uuid,
    key: &str,
    now: Timestamp,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "UPDATE bellhop.user_account
            SET active = false, login = NULL, password_hash = NULL, updated_at = $3
          WHERE tenant_id = $1 AND key = $2 AND active RETURNING id",
        tenant,
        key,
        now.to_sqlx() as _,
    )
    .fetch_optional(conn)
    .await
}

/// The active user who signs in by this name (lower case).
pub async fn by_login(conn: &mut PgConnection, login: &str) -> sqlx::Result<Option<LoginRow>> {
    sqlx::query_as!(
        LoginRow,
        "SELECT id, tenant_id, password_hash FROM bellhop.user_account
          WHERE login = $1 AND active",
        login,
    )
    .fetch_optional(conn)
    .await
}
