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

/// Translates notification ids to numbers, for many users at once. Ids that are not the user's are
/// left out: to them they do not exist.
pub async fn numbers(
    conn: &mut PgConnection,
    users: &[Uuid],
    ids: &[Uuid],
) -> sqlx::Result<Vec<(Uuid, Uuid, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT d.user_id, d.notification_id, d.seq
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
        .map(|row| (row.user_id, row.notification_id, row.seq))
        .collect())
}

/// The numbers an `AcknowledgeThrough(n)` stands for: not yet settled, up to `n`, at most 10,000.
pub async fn unsettled_through(
    conn: &mut PgConnection,
    users: &[Uuid],
    through: &[i64],
) -> sqlx::Result<Vec<Item>> {
    let rows = sqlx::query!(
        r#"SELECT d.user_id, d.seq
             FROM unnest($1::uuid[], $2::bigint[]) AS a (user_id, through)
             JOIN LATERAL (SELECT d.user_id, d.seq FROM bellhop.delivery d
                            WHERE d.user_id = a.user_id AND d.seq <= a.through AND d.state < 2
                            ORDER BY d.seq LIMIT 10000) d ON true"#,
        users,
        through,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Item {
            user: row.user_id,
            seq: row.seq,
        })
        .collect())
}

/// A delivery that was settled by this statement, or that had been before.
pub struct Settled {
    /// Whose.
    pub user: Uuid,
    /// Their number of it.
    pub seq: i64,
    /// The notification.
    pub notification: Uuid,
    /// Its tenant.
    pub tenant: Uuid,
}

/// Settles deliveries: `state` 2 (acked) or 1 (reached), never back, never out of a terminal state.
/// Answers all that exist, changed or not. `items` sorted and unique.
pub async fn settle(
    conn: &mut PgConnection,
    items: &[Item],
    state: i16,
    now: Timestamp,
) -> sqlx::Result<Vec<Settled>> {
    let users: Vec<Uuid> = items.iter().map(|item| item.user).collect();
    let seqs: Vec<i64> = items.iter().map(|item| item.seq).collect();
    let found = sqlx::query!(
        r#"SELECT d.user_id, d.seq, d.at, d.notification_id, d.tenant_id, d.state
             FROM bellhop.delivery d
            WHERE (d.user_id, d.seq) IN (SELECT * FROM unnest($1::uuid[], $2::bigint[]))
            ORDER BY d.user_id, d.seq
              FOR NO KEY UPDATE"#,
        &users,
        &seqs,
    )
    .fetch_all(&mut *conn)
    .await?;
    let open: Vec<_> = found
        .iter()
        .filter(|row| row.state < 2 && row.state < state)
        .collect();
    if !open.is_empty() {
        sqlx::query!(
            r#"UPDATE bellhop.delivery d SET state = $4, settled_at = $5
                 FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS a (user_id, seq, at)
                WHERE d.user_id = a.user_id AND d.seq = a.seq
                  AND d.at = timestamptz 'epoch' + a.at * interval '1 microsecond'"#,
            &open.iter().map(|row| row.user_id).collect::<Vec<_>>(),
            &open.iter().map(|row| row.seq).collect::<Vec<_>>(),
            &open
                .iter()
                .map(|row| row.at.to_jiff().as_microsecond())
                .collect::<Vec<_>>(),
            state,
            now.to_sqlx(),
        )
        .execute(conn)
        .await?;
    }
    Ok(found
        .into_iter()
        .map(|row| Settled {
            user: row.user_id,
            seq: row.seq,
            notification: row.notification_id,
            tenant: row.tenant_id,
        })
        .collect())
}

/// What a device has acked, read under its lock.
pub struct Acked {
    /// Whose.
    pub user: Uuid,
    /// Device.
    pub key: String,
    /// Everything up to here.
    pub through: i64,
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
        r#"SELECT d.user_id, d.key, d.through, d.acked::text AS "acked!"
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
            ranges: parse_ranges(&row.acked),
        })
        .collect())
}

/// Writes back what devices have acked; they ack for themselves from now on.
pub async fn write_devices(
    conn: &mut PgConnection,
    devices: &[Acked],
    now: Timestamp,
) -> sqlx::Result<()> {
    let ranges: Vec<String> = devices
        .iter()
        .map(|device| print_ranges(&device.ranges))
        .collect();
    sqlx::query!(
        r#"UPDATE bellhop.device d
              SET through = a.through, through_at = $5, acked = a.ranges::int8multirange, ack_mode = 1
             FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[])
                  AS a (user_id, key, through, ranges)
            WHERE d.user_id = a.user_id AND d.key = a.key"#,
        &devices.iter().map(|device| device.user).collect::<Vec<_>>(),
        &devices.iter().map(|device| device.key.clone()).collect::<Vec<_>>(),
        &devices.iter().map(|device| device.through).collect::<Vec<_>>(),
        &ranges,
        now.to_sqlx(),
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
    /// `hub`, `http`, `reached`.
    pub via: &'static str,
}

/// Appends receipts.
pub async fn append_receipts(
    conn: &mut PgConnection,
    receipts: &[Receipt],
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO bellhop.ack (user_id, seq, at, tenant_id, notification_id, device, via)
           SELECT a.user_id, a.seq, $7, a.tenant, a.notification, a.device, a.via
             FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[])
                  AS a (user_id, seq, tenant, notification, device, via)"#,
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
        now.to_sqlx(),
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

/// Appends attempts, in bulk.
pub async fn append_attempts(conn: &mut PgConnection, attempts: &[Attempt]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO bellhop.attempt (user_id, seq, at, tenant_id, device, transport, connection)
           SELECT a.user_id, a.seq, timestamptz 'epoch' + a.at * interval '1 microsecond', a.tenant,
                  a.device, a.transport, a.connection
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::text[],
                         $7::text[])
                  AS a (user_id, seq, at, tenant, device, transport, connection)"#,
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
