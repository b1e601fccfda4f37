//! Sessions of our own screens. The cookie's value is never stored, only its SHA-256.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// A session and the person it belongs to, as they are now.
#[derive(Clone, Debug)]
pub struct SessionRow {
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub tenant_key: String,
    pub user_id: Uuid,
    pub user_key: String,
    pub user_name: String,
    pub roles: Vec<String>,
    pub expires_at: jiff_sqlx::Timestamp,
}

/// Whose session it shall be.
#[derive(Clone, Copy, Debug)]
pub struct NewSession {
    pub id: Uuid,
    pub tenant: Uuid,
    pub user: Uuid,
}

/// Stores a new session; `false` when that cookie is taken, which changes nothing.
pub async fn create(
    conn: &mut PgConnection,
    hash: &[u8],
    new: NewSession,
    now: Timestamp,
    expires_at: Timestamp,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO bellhop.session (hash, id, tenant_id, user_id, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (hash) DO NOTHING",
        hash,
        new.id,
        new.tenant,
        new.user,
        now.to_sqlx() as _,
        expires_at.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets a session live on. A session ended meanwhile stays ended: nothing is made anew here.
pub async fn extend(
    conn: &mut PgConnection,
    hash: &[u8],
    expires_at: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.session SET expires_at = $2 WHERE hash = $1",
        hash,
        expires_at.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The living session of a cookie, and its active user.
pub async fn by_hash(
    conn: &mut PgConnection,
    hash: &[u8],
    now: Timestamp,
) -> sqlx::Result<Option<SessionRow>> {
    sqlx::query_as!(
        SessionRow,
        r#"SELECT s.id, s.tenant_id, t.key AS tenant_key, u.id AS user_id, u.key AS user_key,
                  u.name AS user_name, u.roles, s.expires_at
             FROM bellhop.session s
             JOIN bellhop.user_account u ON u.id = s.user_id AND u.active
             JOIN bellhop.tenant t ON t.id = s.tenant_id
            WHERE s.hash = $1 AND s.expires_at > $2"#,
        hash,
        now.to_sqlx() as _,
    )
    .fetch_optional(conn)
    .await
}

/// The living session of this inner id, and its active user.
pub async fn by_id(
    conn: &mut PgConnection,
    id: Uuid,
    now: Timestamp,
) -> sqlx::Result<Option<SessionRow>> {
    sqlx::query_as!(
        SessionRow,
        r#"SELECT s.id, s.tenant_id, t.key AS tenant_key, u.id AS user_id, u.key AS user_key,
                  u.name AS user_name, u.roles, s.expires_at
             FROM bellhop.session s
             JOIN bellhop.user_account u ON u.id = s.user_id AND u.active
             JOIN bellhop.tenant t ON t.id = s.tenant_id
            WHERE s.id = $1 AND s.expires_at > $2"#,
        id,
        now.to_sqlx() as _,
    )
    .fetch_optional(conn)
    .await
}

/// Ends the session of a cookie; answers its inner id.
pub async fn end(conn: &mut PgConnection, hash: &[u8]) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "DELETE FROM bellhop.session WHERE hash = $1 RETURNING id",
        hash
    )
    .fetch_optional(conn)
    .await
}

/// Ends every session of these users; answers their inner ids.
pub async fn end_of_users(
    conn: &mut PgConnection,
    tenant: Uuid,
    users: &[Uuid],
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "DELETE FROM bellhop.session WHERE tenant_id = $1 AND user_id = ANY($2) RETURNING id",
        tenant,
        users,
    )
    .fetch_all(conn)
    .await
}

/// Takes away what has expired; answers the inner ids.
pub async fn sweep(conn: &mut PgConnection, now: Timestamp) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "DELETE FROM bellhop.session WHERE expires_at <= $1 RETURNING id",
        now.to_sqlx() as _,
    )
    .fetch_all(conn)
    .await
}
