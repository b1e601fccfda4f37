//! Classes, and which kinds have which. A row takes the place of the built-in class of its key.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// One thing a tenant set.
pub struct Row {
    /// Whose.
    pub tenant: Uuid,
    /// `class`, `kind`, `default`, `weight`, `read_receipts`, `unknown_kinds`, `acks`.
    pub what: String,
    /// The class's key, the kind, or the service's inner id; empty for the default.
    pub key: String,
    /// The class as JSON, the key of one (empty: none), a service's weight or way to acknowledge, or the tenant's choice.
    pub value: String,
}

/// All that any tenant set.
pub async fn all(conn: &mut PgConnection) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"SELECT tenant_id AS "tenant!", 'class' AS "what!", key AS "key!", rules AS "value!"
             FROM bellhop.class
           UNION ALL
           SELECT tenant_id, 'kind', kind, class FROM bellhop.kind
           UNION ALL
           SELECT id, 'default', '', default_class FROM bellhop.tenant
            WHERE default_class <> 'standard'
           UNION ALL
           SELECT tenant_id, 'weight', id::text, weight::text FROM bellhop.service WHERE weight <> 1
           UNION ALL
           SELECT id, 'read_receipts', '', '' FROM bellhop.tenant WHERE read_receipts
           UNION ALL
           SELECT id, 'unknown_kinds', '', unknown_kinds FROM bellhop.tenant WHERE unknown_kinds <> 'kind'
           UNION ALL
           SELECT tenant_id, 'acks', id::text, acks FROM bellhop.service WHERE acks <> 'transport'"#
    )
    .fetch_all(conn)
    .await
}

/// Writes a class; the one of its key is replaced.
pub async fn set_class(
    conn: &mut PgConnection,
    tenant: Uuid,
    key: &str,
    rules: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.class (tenant_id, key, rules, updated_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, key) DO UPDATE SET rules = $3, updated_at = $4",
        tenant,
        key,
        rules,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a class: the built-in one of its key, if there is one, is back. Answers whether it was there.
pub async fn remove_class(conn: &mut PgConnection, tenant: Uuid, key: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM bellhop.class WHERE tenant_id = $1 AND key = $2",
        tenant,
        key,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Forgets a kind.
pub async fn remove_kind(conn: &mut PgConnection, tenant: Uuid, kind: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM bellhop.kind WHERE tenant_id = $1 AND kind = $2",
        tenant,
        kind,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes a kind known, with a class of its own or without.
pub async fn set_kind(
    conn: &mut PgConnection,
    tenant: Uuid,
    kind: &str,
    class: Option<&str>,
    now: Timestamp,
) -> sqlx::Result<()> {
    let class = class.unwrap_or_default();
    sqlx::query!(
        "INSERT INTO bellhop.kind (tenant_id, kind, class, updated_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, kind) DO UPDATE SET class = $3, updated_at = $4",
        tenant,
        kind,
        class,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The class of kinds that have none.
pub async fn set_default(conn: &mut PgConnection, tenant: Uuid, class: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.tenant SET default_class = $2 WHERE id = $1",
        tenant,
        class,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether the other side of a thread is told what was read.
pub async fn set_read_receipts(
    conn: &mut PgConnection,
    tenant: Uuid,
    told: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.tenant SET read_receipts = $2 WHERE id = $1",
        tenant,
        told,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The same, as it is.
pub async fn read_receipts(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        "SELECT read_receipts FROM bellhop.tenant WHERE id = $1",
        tenant
    )
    .fetch_one(conn)
    .await
}

/// What kinds are invoked as that the tenant does not know: `kind` or `notification`.
pub async fn set_unknown_kinds(
    conn: &mut PgConnection,
    tenant: Uuid,
    invoked_as: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.tenant SET unknown_kinds = $2 WHERE id = $1",
        tenant,
        invoked_as,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The same, as it is.
pub async fn unknown_kinds(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<String> {
    sqlx::query_scalar!(
        "SELECT unknown_kinds FROM bellhop.tenant WHERE id = $1",
        tenant
    )
    .fetch_one(conn)
    .await
}

/// What one tenant set, as it stands in this transaction.
pub struct OfTenant {
    /// The class of kinds that have none.
    pub default: String,
    /// Keys and rules as JSON, by key.
    pub classes: Vec<(String, String)>,
    /// What kinds are invoked as that are not in `kinds`.
    pub unknown_kinds: String,
    /// The kinds it knows and the keys of their own classes, by kind.
    pub kinds: Vec<(String, Option<String>)>,
}

/// Holds off other changes of the tenant's classes until the transaction ends: what a kind names must not
/// be removed meanwhile. `NO KEY`, so that nothing else of the tenant waits.
pub async fn lock(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT FROM bellhop.tenant WHERE id = $1 FOR NO KEY UPDATE",
        tenant
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// Reads what a tenant set.
pub async fn of_tenant(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<OfTenant> {
    let set = sqlx::query!(
        "SELECT default_class, unknown_kinds FROM bellhop.tenant WHERE id = $1",
        tenant
    )
    .fetch_one(&mut *conn)
    .await?;
    let classes = sqlx::query!(
        "SELECT key, rules FROM bellhop.class WHERE tenant_id = $1 ORDER BY key",
        tenant
    )
    .fetch_all(&mut *conn)
    .await?;
    let kinds = sqlx::query!(
        r#"SELECT kind, nullif(class, '') AS "class?" FROM bellhop.kind WHERE tenant_id = $1 ORDER BY kind"#,
        tenant
    )
    .fetch_all(conn)
    .await?;
    Ok(OfTenant {
        default: set.default_class,
        unknown_kinds: set.unknown_kinds,
        classes: classes
            .into_iter()
            .map(|row| (row.key, row.rules))
            .collect(),
        kinds: kinds.into_iter().map(|row| (row.kind, row.class)).collect(),
    })
}
