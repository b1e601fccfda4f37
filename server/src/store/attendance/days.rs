//! Punches as understood, and days. Both follow from the raw punches; see
//! [`crate::workplace::attendance`] for how.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// One punch of a day: what the device said, and how it was understood so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactRow {
    /// Inner id of the punch.
    pub punch: Uuid,
    /// Whose.
    pub user: Uuid,
    /// Of which day.
    pub work_date: Date,
    /// The instant.
    pub at: Timestamp,
    /// The key pressed.
    pub key: Option<String>,
    /// Where.
    pub device: String,
    /// The device's own id of it.
    pub source_id: String,
    /// When the server had it.
    pub received_at: Timestamp,
    /// Understood as.
    pub direction: String,
    /// `key` or `alternated`.
    pub direction_source: String,
    /// `double_tap`, if it does not count.
    pub ignored: Option<String>,
}

/// A punch as it is understood now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedRow {
    /// Inner id of the punch.
    pub punch: Uuid,
    /// Inner id of the raw punch.
    pub raw: Uuid,
    /// Whose.
    pub user: Uuid,
    /// The instant.
    pub at: Timestamp,
    /// Of which day.
    pub work_date: Date,
    /// `in`, `out`, `break_out`, `break_in`.
    pub direction: &'static str,
    /// `key` or `alternated`.
    pub direction_source: &'static str,
    /// `double_tap`, if it does not count.
    pub ignored: Option<&'static str>,
}

/// A person's day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayRow {
    /// Whose.
    pub user: Uuid,
    /// Which.
    pub work_date: Date,
    /// `in`, `on_break`, `out`.
    pub state: &'static str,
    /// First punch in.
    pub first_in: Option<Timestamp>,
    /// The punch that made the state.
    pub since: Timestamp,
    /// The last punch that counts.
    pub last_at: Timestamp,
    /// Where the state was made.
    pub device: String,
    /// From that punch to the server, in milliseconds.
    pub lag_ms: Option<i64>,
}

/// Every punch of these days. Call it under the users' locks.
pub async fn facts(
    conn: &mut PgConnection,
    tenant: Uuid,
    users: &[Uuid],
    dates: &[Date],
) -> sqlx::Result<Vec<FactRow>> {
    let dates: Vec<jiff_sqlx::Date> = dates.iter().map(|date| date.to_sqlx()).collect();
    let rows = sqlx::query!(
        "SELECT p.id, p.user_id, p.work_date, p.at, p.direction, p.direction_source, p.ignored,
                r.direction AS key, r.device, r.source_id, r.received_at
           FROM (SELECT DISTINCT * FROM unnest($2::uuid[], $3::date[])) AS w (user_id, work_date)
           JOIN bellhop.punch p ON p.user_id = w.user_id AND p.work_date = w.work_date
                               AND p.tenant_id = $1
           JOIN bellhop.punch_raw r ON r.id = p.raw_id",
        tenant,
        users,
        &dates as _,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| FactRow {
            punch: row.id,
            user: row.user_id,
            work_date: row.work_date.to_jiff(),
            at: row.at.to_jiff(),
            key: row.key,
            device: row.device,
            source_id: row.source_id,
            received_at: row.received_at.to_jiff(),
            direction: row.direction,
            direction_source: row.direction_source,
            ignored: row.ignored,
        })
        .collect())
}

/// Writes new punches.
pub async fn insert_punches(
    conn: &mut PgConnection,
    tenant: Uuid,
    punches: &[JudgedRow],
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = punches.iter().map(|row| row.punch).collect();
    let raws: Vec<Uuid> = punches.iter().map(|row| row.raw).collect();
    let users: Vec<Uuid> = punches.iter().map(|row| row.user).collect();
    let ats: Vec<jiff_sqlx::Timestamp> = punches.iter().map(|row| row.at.to_sqlx()).collect();
    let dates: Vec<jiff_sqlx::Date> = punches.iter().map(|row| row.work_date.to_sqlx()).collect();
    let directions: Vec<String> = punches.iter().map(|row| row.direction.to_owned()).collect();
    let sources: Vec<String> = punches
        .iter()
        .map(|row| row.direction_source.to_owned())
        .collect();
    let ignored: Vec<Option<String>> = punches
        .iter()
        .map(|row| row.ignored.map(str::to_owned))
        .collect();
    sqlx::query!(
        "INSERT INTO bellhop.punch (id, raw_id, tenant_id, user_id, at, work_date, direction,
                direction_source, ignored)
         SELECT n.id, n.raw, $1, n.user_id, n.at, n.work_date, n.direction, n.source, n.ignored
           FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::date[],
                       $7::text[], $8::text[], $9::text[])
                AS n (id, raw, user_id, at, work_date, direction, source, ignored)",
        tenant,
        &ids,
        &raws,
        &users,
        &ats as _,
        &dates as _,
        &directions,
        &sources,
        &ignored as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Understands punches anew: `(punch, direction, direction_source, ignored)`.
pub async fn update_punches(
    conn: &mut PgConnection,
    tenant: Uuid,
    rows: &[(Uuid, &'static str, &'static str, Option<&'static str>)],
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.0).collect();
    let directions: Vec<String> = rows.iter().map(|row| row.1.to_owned()).collect();
    let sources: Vec<String> = rows.iter().map(|row| row.2.to_owned()).collect();
    let ignored: Vec<Option<String>> = rows.iter().map(|row| row.3.map(str::to_owned)).collect();
    sqlx::query!(
        "UPDATE bellhop.punch p
            SET direction = n.direction, direction_source = n.source, ignored = n.ignored
           FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[])
                AS n (id, direction, source, ignored)
          WHERE p.id = n.id AND p.tenant_id = $1",
        tenant,
        &ids,
        &directions,
        &sources,
        &ignored as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts days in place; answers, sorted, whose came out differently. The others keep their revision.
pub async fn save_days(
    conn: &mut PgConnection,
    tenant: Uuid,
    rows: &[DayRow],
) -> sqlx::Result<Vec<Uuid>> {
    let users: Vec<Uuid> = rows.iter().map(|row| row.user).collect();
    let dates: Vec<jiff_sqlx::Date> = rows.iter().map(|row| row.work_date.to_sqlx()).collect();
    let states: Vec<String> = rows.iter().map(|row| row.state.to_owned()).collect();
    let firsts: Vec<Option<jiff_sqlx::Timestamp>> = rows
        .iter()
        .map(|row| row.first_in.map(ToSqlx::to_sqlx))
        .collect();
    let sinces: Vec<jiff_sqlx::Timestamp> = rows.iter().map(|row| row.since.to_sqlx()).collect();
    let lasts: Vec<jiff_sqlx::Timestamp> = rows.iter().map(|row| row.last_at.to_sqlx()).collect();
    let devices: Vec<String> = rows.iter().map(|row| row.device.clone()).collect();
    let lags: Vec<Option<i64>> = rows.iter().map(|row| row.lag_ms).collect();
    let mut changed = sqlx::query_scalar!(
        "INSERT INTO bellhop.attendance_day AS d
                (user_id, work_date, tenant_id, state, first_in, since, last_at, device, lag_ms)
         SELECT n.user_id, n.work_date, $1, n.state, n.first_in, n.since, n.last_at, n.device, n.lag
           FROM unnest($2::uuid[], $3::date[], $4::text[], $5::timestamptz[], $6::timestamptz[],
                       $7::timestamptz[], $8::text[], $9::bigint[])
                AS n (user_id, work_date, state, first_in, since, last_at, device, lag)
          ORDER BY n.user_id, n.work_date
         ON CONFLICT (user_id, work_date) DO UPDATE
            SET state = excluded.state, first_in = excluded.first_in, since = excluded.since,
                last_at = excluded.last_at, device = excluded.device, lag_ms = excluded.lag_ms,
                rev = d.rev + 1
          WHERE (d.state, d.first_in, d.since, d.last_at, d.device, d.lag_ms)
                IS DISTINCT FROM (excluded.state, excluded.first_in, excluded.since,
                                  excluded.last_at, excluded.device, excluded.lag_ms)
         RETURNING user_id",
        tenant,
        &users,
        &dates as _,
        &states,
        &firsts as _,
        &sinces as _,
        &lasts as _,
        &devices,
        &lags as _,
    )
    .fetch_all(conn)
    .await?;
    changed.sort_unstable();
    changed.dedup();
    Ok(changed)
}
