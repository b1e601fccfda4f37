//! Who is who, read by the outer ids a token or key names: what `auth` asks on every first sight.

use sqlx::PgConnection;
use uuid::Uuid;

/// A user as `auth` needs them.
#[derive(Clone, Debug)]
pub struct UserRow {
    pub id: Uuid,
    pub key: String,
    pub name: String,
    pub roles: Vec<String>,
    pub active: bool,
    /// Outer ids, sorted.
    pub departments: Vec<String>,
    /// Inner ids of the services the user is a member of.
    pub services: Vec<Uuid>,
}

/// The secret that signs hub tokens.
pub async fn hub_secret(conn: &mut PgConnection) -> sqlx::Result<Vec<u8>> {
    sqlx::query_scalar!("SELECT hub_secret FROM bellhop.installation")
        .fetch_one(conn)
        .await
}

/// The tenant's inner id.
pub async fn tenant(conn: &mut PgConnection, key: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("SELECT id FROM bellhop.tenant WHERE key = $1", key)
        .fetch_optional(conn)
        .await
}

/// The service's inner id.
pub async fn service(
    conn: &mut PgConnection,
    tenant: Uuid,
    key: &str,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM bellhop.service WHERE tenant_id = $1 AND key = $2",
        tenant,
        key,
    )
    .fetch_optional(conn)
    .await
}

/// A user by outer id, whether active or not.
pub async fn user(
    conn: &mut PgConnection,
    tenant: Uuid,
    key: &str,
) -> sqlx::Result<Option<UserRow>> {
    sqlx::query_as!(
        UserRow,
        r#"SELECT u.id, u.key, u.name, u.roles, u.active,
                  ARRAY(SELECT d.key FROM bellhop.user_department m
                          JOIN bellhop.department d ON d.id = m.department_id
                         WHERE m.user_id = u.id ORDER BY d.key COLLATE "C") AS "departments!",
                  ARRAY(SELECT m.service_id FROM bellhop.service_member m
                         WHERE m.user_id = u.id ORDER BY m.service_id) AS "services!"
             FROM bellhop.user_account u
            WHERE u.tenant_id = $1 AND u.key = $2"#,
        tenant,
        key,
    )
    .fetch_optional(conn)
    .await
}
