//! Outer names to inner ids, for many publications in one statement.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Names to look up, column by column.
#[derive(Default)]
pub struct Names {
    /// Index of the publication that names it.
    pub index: Vec<i32>,
    /// Tenant; the service for a thread.
    pub tenants: Vec<Uuid>,
    /// 0 user, 1 department, 2 group, ten more when excepted; 3 a thread that is being routed in pages.
    pub kinds: Vec<i32>,
    /// Outer id.
    pub keys: Vec<String>,
}

/// A name and what it stands for.
pub struct Found {
    /// Index of the publication that names it.
    pub index: i32,
    /// As in [`Names`].
    pub kind: i32,
    /// Outer id.
    pub key: String,
    /// Inner id; `None`: there is no such one in that tenant.
    pub id: Option<Uuid>,
}

/// Looks all names up. A user counts only while active.
///
/// A look-up by index for each name, and only in the table it is of. As joins this was planned as a hash over
/// all users as soon as a batch named ten, which cost more than writing the batch.
pub async fn look_up(
    conn: &mut PgConnection,
    names: &Names,
    now: Timestamp,
) -> sqlx::Result<Vec<Found>> {
    sqlx::query_as!(
        Found,
        r#"SELECT n.i AS "index!", n.kind AS "kind!", n.key AS "key!",
                  CASE n.kind
                       WHEN 3 THEN (SELECT f.notification_id FROM bellhop.fanout f
                                     WHERE f.service_id = n.tenant AND f.thread_key = n.key
                                       AND f.due_at <= $5 LIMIT 1)
                       ELSE CASE n.kind % 10
                            WHEN 0 THEN (SELECT u.id FROM bellhop.user_account u
                                          WHERE u.tenant_id = n.tenant AND u.key = n.key AND u.active)
                            WHEN 1 THEN (SELECT d.id FROM bellhop.department d
                                          WHERE d.tenant_id = n.tenant AND d.key = n.key)
                            WHEN 2 THEN (SELECT g.id FROM bellhop.custom_group g
                                          WHERE g.tenant_id = n.tenant AND g.key = n.key)
                            END
                       END AS id
             FROM unnest($1::int[], $2::uuid[], $3::int[], $4::text[]) AS n (i, tenant, kind, key)"#,
        &names.index,
        &names.tenants,
        &names.kinds,
        &names.keys,
        now.to_sqlx(),
    )
    .fetch_all(conn)
    .await
}
