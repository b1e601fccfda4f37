//! Receipts. Lock order: deliveries (user, seq), then devices (user, key).

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// One delivery named in an ack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// Whose.
    pub user: Uuid,
    /// Their number of it.
    pub seq: i64,
}

/// Translates notification ids to numbers, for many users at once: user, id, number, and when it was routed. Ids
/// that are not the user's are left out: to them they do not exist.
pub async fn numbers(
    conn: &mut PgConnection,
    users: &[Uuid],
    ids: &[Uuid],
) -> sqlx::Result<Vec<(Uuid, Uuid, i64, Timestamp)>> {
    let rows = sqlx::query!(
        r#"SELECT d.user_id, d.notification_id, d.seq, d.at
             FROM unnest($1::uuid[], $2::uuid[]) AS a (user_id, id)
             JOIN bellhop.delivery d ON d.notification_id = a.id AND d.user_id = a.user_id
              AND d.at >= bellhop.instant_of(a.id) - interval '1 minute'"#,
        users,
        ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.user_id, row.notification_id, row.seq, row.at.to_jiff()))
        .collect())
}

/// What an `AcknowledgeThrough(n)` stands for.
#[derive(Clone, Debug, Default)]
pub struct Handled {
    /// `n`, cut to the last number given; lower when more than 10,000 were not settled.
    pub through: i64,
    /// Of these, what nobody had settled yet.
    pub unsettled: Vec<i64>,
}

/// The numbers each `AcknowledgeThrough(n)` stands for, at most 10,000 a call; in the order of the calls.
pub async fn handled_through(
    conn: &mut PgConnection,
    users: &[Uuid],
    through: &[i64],
) -> sqlx::Result<Vec<Handled>> {
    let indices: Vec<i32> = (0_i32..).take(users.len()).collect();
    let rows = sqlx::query!(
        r#"SELECT a.i AS "i!", least(a.through, s.last_seq) AS "through!", d.seq AS "seq?"
             FROM unnest($1::int[], $2::uuid[], $3::bigint[]) AS a (i, user_id, through)
             JOIN bellhop.user_stream s ON s.user_id = a.user_id
             LEFT JOIN LATERAL (SELECT d.seq FROM bellhop.delivery d
                                 WHERE d.user_id = a.user_id AND d.seq <= a.through AND d.state < 2
                                 ORDER BY d.seq LIMIT 10000) d ON true
            ORDER BY a.i, d.seq"#,
        &indices,
        users,
        through,
    )
    .fetch_all(conn)
    .await?;
    let mut handled = vec![Handled::default(); users.len()];
    for row in rows {
        let Some(one) = usize::try_from(row.i).ok().and_then(|i| handled.get_mut(i)) else {
            continue;
        };
        one.through = row.through;
        one.unsettled.extend(row.seq);
    }
    for one in &mut handled {
        if one.unsettled.len() == 10_000 {
            one.through = one.unsettled.last().copied().unwrap_or(0);
        }
    }
    Ok(handled)
}

/// The year 5138, in microseconds: exact as the float that an interval is multiplied with.
const FAR_AWAY: i64 = 100_000_000_000_000_000;

/// A delivery under its lock.
#[derive(Clone, Debug)]
pub struct Locked {
    /// Whose.
    pub user: Uuid,
    /// Their number of it.
    pub seq: i64,
    /// The notification.
    pub notification: Uuid,
    /// Its tenant.
    pub tenant: Uuid,
    /// When it was routed.
    pub at: Timestamp,
    /// Stored number of the state.
    pub state: i16,
    /// What settles it.
    pub rule: i16,
    /// A push provider took it.
    pub pushed: bool,
}

/// Locks deliveries in order and reads where they stand; those that do not exist are left out. Each item once. Where it
/// is known when one was routed, only that day's partition is looked into.
pub async fn lock(
    conn: &mut PgConnection,
    items: impl Iterator<Item = (Item, Option<Timestamp>)>,
) -> sqlx::Result<Vec<Locked>> {
    let (mut users, mut seqs, mut from, mut to) = (vec![], vec![], vec![], vec![]);
    for (item, at) in items {
        users.push(item.user);
        seqs.push(item.seq);
        from.push(at.unwrap_or(Timestamp::UNIX_EPOCH).as_microsecond());
        to.push(at.map_or(FAR_AWAY, Timestamp::as_microsecond));
    }
    let found = sqlx::query!(
        r#"SELECT d.user_id, d.seq, d.at, d.notification_id, d.tenant_id, d.state, d.rule,
                  d.pushed_at IS NOT NULL AS "pushed!"
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[])
                  AS a (user_id, seq, since, until)
             JOIN bellhop.delivery d ON d.user_id = a.user_id AND d.seq = a.seq
              AND d.at >= timestamptz 'epoch' + a.since * interval '1 microsecond'
              AND d.at <= timestamptz 'epoch' + a.until * interval '1 microsecond'
            ORDER BY d.user_id, d.seq
              FOR NO KEY UPDATE OF d"#,
        &users,
        &seqs,
        &from,
        &to,
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(found
        .into_iter()
        .map(|row| Locked {
            user: row.user_id,
            seq: row.seq,
            notification: row.notification_id,
            tenant: row.tenant_id,
            at: row.at.to_jiff(),
            state: row.state,
            rule: row.rule,
            pushed: row.pushed,
        })
        .collect())
}

/// Moves deliveries that the caller has locked, each to the state it now carries.
pub async fn set_states(
    conn: &mut PgConnection,
    moved: &[&Locked],
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"UPDATE bellhop.delivery d SET state = a.state, settled_at = $5
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::smallint[])
                  AS a (user_id, seq, at, state)
            WHERE d.user_id = a.user_id AND d.seq = a.seq
              AND d.at = timestamptz 'epoch' + a.at * interval '1 microsecond'
              AND d.state < a.state"#,
        &moved.iter().map(|one| one.user).collect::<Vec<_>>(),
        &moved.iter().map(|one| one.seq).collect::<Vec<_>>(),
        &moved
            .iter()
            .map(|one| one.at.as_microsecond())
            .collect::<Vec<_>>(),
        &moved.iter().map(|one| one.state).collect::<Vec<_>>(),
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which of these deliveries every device has acked that was seen within the 30 days before it was routed;
/// of a withdrawal it is enough that a device which never acks has read it. The caller has written what its
/// devices have.
pub async fn had_by_every_device(
    conn: &mut PgConnection,
    items: &[&Locked],
) -> sqlx::Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT a.user_id AS "user!", a.seq AS "seq!"
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bool[])
                  AS a (user_id, seq, at, hidden)
            WHERE NOT EXISTS (
                  SELECT FROM bellhop.device v
                   WHERE v.user_id = a.user_id AND v.through < a.seq AND NOT v.acked @> a.seq
                     AND NOT (a.hidden AND v.ack_mode = 0 AND v.reached_through >= a.seq)
                     AND v.first_seen_at <= timestamptz 'epoch' + a.at * interval '1 microsecond'
                     AND v.last_seen_at >= timestamptz 'epoch' + a.at * interval '1 microsecond'
                                           - interval '30 days')"#,
        &items.iter().map(|one| one.user).collect::<Vec<_>>(),
        &items.iter().map(|one| one.seq).collect::<Vec<_>>(),
        &items
            .iter()
            .map(|one| one.at.as_microsecond())
            .collect::<Vec<_>>(),
        &items
            .iter()
            .map(|one| one.rule & 8 != 0)
            .collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user, row.seq)).collect())
}

/// What a device has acked, read under its lock.
pub struct Acked {
    /// Whose.
    pub user: Uuid,
    /// Device.
    pub key: String,
    /// Everything up to here.
    pub through: i64,
    /// Nothing beyond `through` was routed much before this; `None` when it is not known.
    pub beyond_since: Option<Timestamp>,
    /// Ranges beyond it, `[from, to)`, ascending.
    pub ranges: Vec<(i64, i64)>,
}

/// Locks devices in order and reads what they have acked.
pub async fn lock_devices(
    conn: &mut PgConnection,
    users: &[Uuid],
    keys: &[String],
) -> sqlx::Result<Vec<Acked>> {
    let rows = sqlx::query!(
        r#"SELECT d.user_id, d.key, d.through, d.beyond_since, d.acked::text AS "acked!"
             FROM bellhop.device d
            WHERE (d.user_id, d.key) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))
            ORDER BY d.user_id, d.key
              FOR NO KEY UPDATE"#,
        users,
        keys,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Acked {
            user: row.user_id,
            key: row.key,
            through: row.through,
            beyond_since: row.beyond_since.map(jiff_sqlx::Timestamp::to_jiff),
            ranges: parse_ranges(&row.acked),
        })
        .collect())
}

/// Writes back what devices have. `acking`: they did so by an ack, and ack for themselves from now on.
pub async fn write_devices(
    conn: &mut PgConnection,
    devices: &[Acked],
    acking: bool,
) -> sqlx::Result<()> {
    let ranges: Vec<String> = devices
        .iter()
        .map(|device| print_ranges(&device.ranges))
        .collect();
    sqlx::query!(
        r#"UPDATE bellhop.device d
              SET through = a.through, acked = a.ranges::int8multirange,
                  beyond_since = timestamptz 'epoch' + a.at * interval '1 microsecond',
                  ack_mode = CASE WHEN $6 AND d.ack_mode = 0 THEN 1 ELSE d.ack_mode END
             FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::bigint[])
                  AS a (user_id, key, through, ranges, at)
            WHERE d.user_id = a.user_id AND d.key = a.key"#,
        &devices.iter().map(|device| device.user).collect::<Vec<_>>(),
        &devices
            .iter()
            .map(|device| device.key.clone())
            .collect::<Vec<_>>(),
        &devices
            .iter()
            .map(|device| device.through)
            .collect::<Vec<_>>(),
        &ranges,
        &devices
            .iter()
            .map(|device| device.beyond_since.map(Timestamp::as_microsecond))
            .collect::<Vec<_>>() as &[Option<i64>],
        acking,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Raises what the transport proved a device to have read.
pub async fn raise_reached(
    conn: &mut PgConnection,
    users: &[Uuid],
    keys: &[String],
    through: &[i64],
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"UPDATE bellhop.device d SET reached_through = a.through
             FROM (SELECT a.user_id, a.key, max(a.through) AS through
                     FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS a (user_id, key, through)
                    GROUP BY a.user_id, a.key) a
            WHERE d.user_id = a.user_id AND d.key = a.key AND d.reached_through < a.through"#,
        users,
        keys,
        through,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One receipt to append.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Whose.
    pub user: Uuid,
    /// Their number of it.
    pub seq: i64,
    /// Tenant.
    pub tenant: Uuid,
    /// The notification.
    pub notification: Uuid,
    /// Device, empty when unnamed.
    pub device: String,
    /// `hub`, `http`, `push`, `tap`, `reached`.
    pub via: &'static str,
    /// When the device had it.
    pub at: Timestamp,
}

/// Which of these have no tap of that device yet, by index.
pub async fn untapped(
    conn: &mut PgConnection,
    users: &[Uuid],
    seqs: &[i64],
    devices: &[String],
) -> sqlx::Result<Vec<usize>> {
    let indices: Vec<i32> = (0_i32..).take(users.len()).collect();
    let rows = sqlx::query_scalar!(
        r#"SELECT t.i AS "i!"
             FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::text[]) AS t (i, user_id, seq, device)
            WHERE NOT EXISTS (SELECT FROM bellhop.ack a
                               WHERE a.user_id = t.user_id AND a.seq = t.seq AND a.device = t.device
                                 AND a.via = 'tap')
            ORDER BY t.i"#,
        &indices,
        users,
        seqs,
        devices,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|i| usize::try_from(i).ok())
        .collect())
}

/// Appends receipts.
pub async fn append_receipts(conn: &mut PgConnection, receipts: &[Receipt]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO bellhop.ack (user_id, seq, at, tenant_id, notification_id, device, via)
           SELECT a.user_id, a.seq, timestamptz 'epoch' + a.at * interval '1 microsecond', a.tenant,
                  a.notification, a.device, a.via
             FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[],
                         $7::bigint[])
                  AS a (user_id, seq, tenant, notification, device, via, at)"#,
        &receipts.iter().map(|r| r.user).collect::<Vec<_>>(),
        &receipts.iter().map(|r| r.seq).collect::<Vec<_>>(),
        &receipts.iter().map(|r| r.tenant).collect::<Vec<_>>(),
        &receipts.iter().map(|r| r.notification).collect::<Vec<_>>(),
        &receipts
            .iter()
            .map(|r| r.device.clone())
            .collect::<Vec<_>>(),
        &receipts
            .iter()
            .map(|r| r.via.to_owned())
            .collect::<Vec<_>>(),
        &receipts
            .iter()
            .map(|r| r.at.as_microsecond())
            .collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A write to a connection, to be kept for "explain" and the attempts count.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Whose.
    pub user: Uuid,
    /// Their number of it.
    pub seq: i64,
    /// Tenant.
    pub tenant: Uuid,
    /// Device, empty when unnamed.
    pub device: String,
    /// Transport.
    pub transport: &'static str,
    /// Public connection id.
    pub connection: String,
    /// Microseconds since the epoch.
    pub at: i64,
}

/// The transaction's commit will not wait for the disk: for evidence, which a crash may lose.
pub async fn unhurried(tx: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("SELECT set_config('synchronous_commit', 'off', true)")
        .fetch_one(tx)
        .await?;
    Ok(())
}

/// Appends attempts, in bulk. The commit does not wait for the disk: a record that a crash may lose is
/// not worth a publisher's wait behind its flush.
pub async fn append_attempts(conn: &mut PgConnection, attempts: &[Attempt]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO bellhop.attempt (user_id, seq, at, tenant_id, device, transport, connection)
           SELECT a.user_id, a.seq, timestamptz 'epoch' + a.at * interval '1 microsecond', a.tenant,
                  a.device, a.transport, a.connection
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::text[],
                         $7::text[])
                  AS a (user_id, seq, at, tenant, device, transport, connection),
                  (SELECT set_config('synchronous_commit', 'off', true)) AS unhurried"#,
        &attempts.iter().map(|a| a.user).collect::<Vec<_>>(),
        &attempts.iter().map(|a| a.seq).collect::<Vec<_>>(),
        &attempts.iter().map(|a| a.at).collect::<Vec<_>>(),
        &attempts.iter().map(|a| a.tenant).collect::<Vec<_>>(),
        &attempts
            .iter()
            .map(|a| a.device.clone())
            .collect::<Vec<_>>(),
        &attempts
            .iter()
            .map(|a| a.transport.to_owned())
            .collect::<Vec<_>>(),
        &attempts
            .iter()
            .map(|a| a.connection.clone())
            .collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// `{[1,5),[7,9)}`, always half open as Postgres prints integer ranges.
fn parse_ranges(text: &str) -> Vec<(i64, i64)> {
    text.trim_matches(['{', '}'])
        .split("),")
        .filter_map(|range| {
            let (from, to) = range
                .trim_start_matches('[')
                .trim_end_matches(')')
                .split_once(',')?;
            Some((from.parse().ok()?, to.parse().ok()?))
        })
        .collect()
}

fn print_ranges(ranges: &[(i64, i64)]) -> String {
    let ranges: Vec<String> = ranges
        .iter()
        .map(|(from, to)| format!("[{from},{to})"))
        .collect();
    format!("{{{}}}", ranges.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_postgres_prints_them() {
        assert_eq!(parse_ranges("{}"), []);
        assert_eq!(parse_ranges("{[1,5),[7,9)}"), [(1, 5), (7, 9)]);
        assert_eq!(print_ranges(&[(1, 5), (7, 9)]), "{[1,5),[7,9)}");
    }
}
