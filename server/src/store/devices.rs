//! Devices: what each is known to have, and how it confirms.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// At most so many devices a user; the least recently seen is forgotten first.
pub const MOST_DEVICES: i64 = 20;

/// What is known of a device, and of its user's stream, at the moment it connects.
pub struct Known {
    /// It has acked before.
    pub explicit: bool,
    /// It has everything up to here, or need not have it.
    pub through: i64,
    /// Nothing beyond `through` was routed much before this; `None` when it is not known.
    pub beyond_since: Option<Timestamp>,
    /// For a device that never acks: it read everything up to here, or need not.
    pub reached_through: i64,
    /// Numbers beyond `through` it has acked, as Postgres prints a multirange.
    pub acked: String,
}

/// Notes that a device is here, making it if it is new, and answers what is known of it.
///
/// The commit does not wait for the disk, so that a storm of reconnects is no storm of flushes. A device
/// that a crash loses is made again by its next connection; its first ack makes it durable.
pub async fn seen(
    conn: &mut PgConnection,
    tenant: Uuid,
    user: Uuid,
    key: &str,
    agent: &str,
    now: Timestamp,
) -> sqlx::Result<Known> {
    let row = sqlx::query!(
        r#"INSERT INTO bellhop.device AS d (user_id, key, tenant_id, agent, first_seen_at, last_seen_at)
           SELECT $1::uuid, $2::text, $3::uuid, $4::text, $5::timestamptz, $5
             FROM (SELECT set_config('synchronous_commit', 'off', true)) AS unhurried
           ON CONFLICT (user_id, key) DO UPDATE SET last_seen_at = $5, agent = $4
           RETURNING ack_mode, through, beyond_since, reached_through, acked::text AS "acked!",
                     first_seen_at = $5 AS "new!""#,
        user,
        key,
        tenant,
        agent,
        now.to_sqlx(),
    )
    .fetch_one(&mut *conn)
    .await?;
    if row.new {
        sqlx::query!(
            "DELETE FROM bellhop.device d
              WHERE d.user_id = $1 AND d.key NOT IN (
                    SELECT k.key FROM bellhop.device k WHERE k.user_id = $1
                     ORDER BY k.last_seen_at DESC, k.key LIMIT $2)",
            user,
            MOST_DEVICES,
        )
        .execute(conn)
        .await?;
    }
    Ok(Known {
        explicit: row.ack_mode == 1,
        through: row.through,
        beyond_since: row.beyond_since.map(jiff_sqlx::Timestamp::to_jiff),
        reached_through: row.reached_through,
        acked: row.acked,
    })
}

/// Outer names of the groups a user is in: departments, custom groups, services.
pub struct Membership {
    /// `dept`, `group`, `service`.
    pub kind: String,
    /// Outer id.
    pub key: String,
}

/// The user's durable memberships.
pub async fn memberships(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<Vec<Membership>> {
    sqlx::query_as!(
        Membership,
        r#"SELECT 'dept' AS "kind!", d.key AS "key!" FROM bellhop.user_department m
             JOIN bellhop.department d ON d.id = m.department_id WHERE m.user_id = $1
           UNION ALL
           SELECT 'group', g.key FROM bellhop.group_member m
             JOIN bellhop.custom_group g ON g.id = m.group_id WHERE m.user_id = $1
           UNION ALL
           SELECT 'service', s.key FROM bellhop.service_member m
             JOIN bellhop.service s ON s.id = m.service_id WHERE m.user_id = $1"#,
        user,
    )
    .fetch_all(conn)
    .await
}
