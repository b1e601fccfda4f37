//! People as the screens name them.

use sqlx::PgConnection;
use uuid::Uuid;

/// Somebody, with their tenant.
pub struct Me {
    /// Outer id of the user.
    pub key: String,
    /// Display name.
    pub name: String,
    /// Name of the first department, empty when there is none.
    pub department: String,
    /// Outer id of the tenant.
    pub tenant_key: String,
    /// Display name of the tenant.
    pub tenant_name: String,
}

/// Who is signed in; `None` when the account was removed.
pub async fn me(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<Option<Me>> {
    sqlx::query_as!(
        Me,
        r#"SELECT u.key, u.name, t.key AS tenant_key, t.name AS tenant_name,
                  coalesce((SELECT min(d.name) FROM bellhop.user_department m
                              JOIN bellhop.department d ON d.id = m.department_id
                             WHERE m.user_id = u.id), '') AS "department!"
             FROM bellhop.user_account u JOIN bellhop.tenant t ON t.id = u.tenant_id
            WHERE u.id = $1 AND u.active"#,
        user,
    )
    .fetch_optional(conn)
    .await
}
