//! API keys: made, found, revoked, and when they were last used.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// A key with the outer ids of what it speaks for.
#[derive(Clone, Debug)]
pub struct KeyRow {
    pub hash: Vec<u8>,
    pub scopes: Vec<String>,
    pub revoked: bool,
    pub tenant_id: Uuid,
    pub tenant_key: String,
    pub service_id: Uuid,
    pub service_key: String,
}

/// What a new key is.
#[derive(Clone, Debug)]
pub struct NewKey<'a> {
    pub id: &'a str,
    pub tenant: Uuid,
    pub service: Uuid,
    pub name: &'a str,
    /// SHA-256 of its random part.
    pub hash: &'a [u8],
    pub scopes: &'a [String],
}

/// Finds a key by its public part, revoked ones too.
pub async fn find(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<KeyRow>> {
    sqlx::query_as!(
        KeyRow,
        r#"SELECT k.hash, k.scopes, k.revoked_at IS NOT NULL AS "revoked!",
                  k.tenant_id, t.key AS tenant_key, k.service_id, s.key AS service_key
             FROM bellhop.api_key k
             JOIN bellhop.tenant t ON t.id = k.tenant_id
             JOIN bellhop.service s ON s.id = k.service_id AND s.tenant_id = k.tenant_id
            WHERE k.id = $1"#,
        id,
    )
    .fetch_optional(conn)
    .await
}

/// Stores a new key.
pub async fn insert(conn: &mut PgConnection, key: &NewKey<'_>, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.api_key (id, tenant_id, service_id, name, hash, scopes, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        key.id,
        key.tenant,
        key.service,
        key.name,
        key.hash,
        key.scopes,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Revokes a key that is not revoked yet; `false` when there is none such.
pub async fn revoke(conn: &mut PgConnection, id: &str, now: Timestamp) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE bellhop.api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
        id,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes down when keys were last used; never turns a time back.
pub async fn touch(conn: &mut PgConnection, ids: &[String], at: &[Timestamp]) -> sqlx::Result<()> {
    let at = at.iter().map(|at| at.to_sqlx()).collect::<Vec<_>>();
    sqlx::query!(
        "UPDATE bellhop.api_key k SET last_used_at = used.at
           FROM unnest($1::text[], $2::timestamptz[]) AS used (id, at)
          WHERE k.id = used.id AND k.last_used_at IS DISTINCT FROM used.at
            AND (k.last_used_at IS NULL OR k.last_used_at < used.at)",
        ids,
        at as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}
