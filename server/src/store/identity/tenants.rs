//! Tenants, and the set-up link that makes the first.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// Makes a tenant; `false` when the key is taken.
pub async fn create(
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
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Can anybody sign in as an admin?
pub async fn has_admin(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM bellhop.user_account
                           WHERE active AND 'admin' = ANY(roles)
                             AND login IS NOT NULL AND password_hash IS NOT NULL) AS "has!""#,
    )
    .fetch_one(conn)
    .await
}

/// Replaces every set-up link by this one.
pub async fn replace_setup_link(
    conn: &mut PgConnection,
    hash: &[u8],
    expires_at: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM bellhop.setup_link WHERE used_at IS NULL")
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "INSERT INTO bellhop.setup_link (hash, expires_at) VALUES ($1, $2)",
        hash,
        expires_at.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Is the link good now? Changes nothing.
pub async fn setup_link_is_good(
    conn: &mut PgConnection,
    hash: &[u8],
    now: Timestamp,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM bellhop.setup_link
                           WHERE hash = $1 AND used_at IS NULL AND expires_at > $2) AS "good!""#,
        hash,
        now.to_sqlx() as _,
    )
    .fetch_one(conn)
    .await
}

/// Uses the link up; `false` when it was used, has expired or never was.
pub async fn use_setup_link(
    conn: &mut PgConnection,
    hash: &[u8],
    now: Timestamp,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE bellhop.setup_link SET used_at = $2
          WHERE hash = $1 AND used_at IS NULL AND expires_at > $2",
        hash,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
