//! Devices: what each is known to have, and how it confirms.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// At most so many devices a user; the least recently seen is forgotten first.
pub const MOST_DEVICES: i64 = 20;

/// What is known of a device, and of its user's stream, at the moment it connects.
#[derive(Clone, Debug)]
pub struct Known {
    /// It acks for itself: by calls, as it has before or said that it would, or by its handlers' results.
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

/// A device that is here.
#[derive(Clone, Debug, Default)]
pub struct Arrival {
    /// Whose tenant.
    pub tenant: Uuid,
    /// Whose.
    pub user: Uuid,
    /// Its name.
    pub key: String,
    /// What it says it is.
    pub agent: String,
    /// How it acknowledges, as the column has it; 0: it does not say.
    pub ack_mode: i16,
}

/// Notes that devices are here, making those that are new, and answers what is known of each, in the order of
/// (user, key). Each device once.
///
/// How a device acknowledges is what its newest connection says. One that does not say so any more acks by calls if
/// it has acked by results, and is as new if it has not.
///
/// The commit does not wait for the disk, so that a storm of reconnects is no storm of flushes. A device
/// that a crash loses is made again by its next connection; its first ack makes it durable.
pub async fn seen(
    conn: &mut PgConnection,
    arrivals: &[Arrival],
    now: Timestamp,
) -> sqlx::Result<Vec<(Uuid, String, Known)>> {
    let users: Vec<Uuid> = arrivals.iter().map(|one| one.user).collect();
    let rows = sqlx::query!(
        r#"INSERT INTO bellhop.device AS d (user_id, key, tenant_id, agent, first_seen_at, last_seen_at, ack_mode)
           SELECT a.user_id, a.key, a.tenant, a.agent, $5::timestamptz, $5, a.ack_mode
             FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $6::smallint[])
                  AS a (user_id, key, tenant, agent, ack_mode),
                  (SELECT set_config('synchronous_commit', 'off', true)) AS unhurried
            ORDER BY a.user_id, a.key
           ON CONFLICT (user_id, key) DO UPDATE
              SET last_seen_at = excluded.last_seen_at, agent = excluded.agent,
                  ack_mode = CASE WHEN excluded.ack_mode > 0 THEN excluded.ack_mode
                                  WHEN d.ack_mode = 2 AND d.through = 0 AND isempty(d.acked) THEN 0
                                  ELSE least(d.ack_mode, 1) END
           RETURNING user_id, key, ack_mode, through, beyond_since, reached_through,
                     acked::text AS "acked!", first_seen_at = $5 AS "new!""#,
        &users,
        &arrivals.iter().map(|one| one.key.clone()).collect::<Vec<_>>(),
        &arrivals.iter().map(|one| one.tenant).collect::<Vec<_>>(),
        &arrivals.iter().map(|one| one.agent.clone()).collect::<Vec<_>>(),
        now.to_sqlx(),
        &arrivals.iter().map(|one| one.ack_mode).collect::<Vec<_>>(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let new = rows.iter().filter(|row| row.new);
    let mut with_new: Vec<Uuid> = new.map(|row| row.user_id).collect();
    with_new.sort_unstable();
    with_new.dedup();
    if !with_new.is_empty() {
        sqlx::query!(
            "DELETE FROM bellhop.device d
              USING unnest($1::uuid[]) AS u (id)
              WHERE d.user_id = u.id AND d.key NOT IN (
                    SELECT k.key FROM bellhop.device k WHERE k.user_id = u.id
                     ORDER BY k.last_seen_at DESC, k.key LIMIT $2)",
            &with_new,
            MOST_DEVICES,
        )
        .execute(conn)
        .await?;
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let known = Known {
                explicit: row.ack_mode != 0,
                through: row.through,
                beyond_since: row.beyond_since.map(jiff_sqlx::Timestamp::to_jiff),
                reached_through: row.reached_through,
                acked: row.acked,
            };
            (row.user_id, row.key, known)
        })
        .collect())
}

/// Outer names of the groups a user is in: departments, custom groups, services.
pub struct Membership {
    /// Whose.
    pub user: Uuid,
    /// `dept`, `group`, `service`.
    pub kind: String,
    /// Outer id.
    pub key: String,
}

/// These users' durable memberships.
pub async fn memberships(conn: &mut PgConnection, users: &[Uuid]) -> sqlx::Result<Vec<Membership>> {
    sqlx::query_as!(
        Membership,
        r#"SELECT m.user_id AS "user!", 'dept' AS "kind!", d.key AS "key!" FROM bellhop.user_department m
             JOIN bellhop.department d ON d.id = m.department_id WHERE m.user_id = ANY($1)
           UNION ALL
           SELECT m.user_id, 'group', g.key FROM bellhop.group_member m
             JOIN bellhop.custom_group g ON g.id = m.group_id WHERE m.user_id = ANY($1)
           UNION ALL
           SELECT m.user_id, 'service', s.key FROM bellhop.service_member m
             JOIN bellhop.service s ON s.id = m.service_id WHERE m.user_id = ANY($1)"#,
        users,
    )
    .fetch_all(conn)
    .await
}
