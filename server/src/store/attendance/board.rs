//! The board: one statement for the people, one for the tiles, whatever their number.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// People on the board at most.
const LIMIT: i64 = 2_000;

/// A site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteRow {
    /// Inner id.
    pub id: Uuid,
    /// The customer's key.
    pub key: String,
    /// Display name.
    pub name: String,
    /// IANA zone.
    pub zone: String,
}

/// One person with their day.
#[derive(Clone, Debug)]
pub struct BoardPerson {
    /// The customer's id.
    pub key: String,
    /// Display name.
    pub name: String,
    /// Name of the first department, or empty.
    pub department: String,
    /// Inner id of the site.
    pub site: Uuid,
    /// `in`, `on_break`, `out`; `None`: not seen.
    pub state: Option<String>,
    /// First punch in.
    pub first_in: Option<Timestamp>,
    /// The punch that made the state.
    pub since: Option<Timestamp>,
    /// The last punch that counts.
    pub last_at: Option<Timestamp>,
    /// Where the state was made.
    pub device: Option<String>,
    /// From that punch to the server, in milliseconds.
    pub lag_ms: Option<i64>,
}

/// Counts over everybody on the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TilesRow {
    /// Everybody.
    pub people: i64,
    /// State `in`.
    pub present: i64,
    /// State `on_break`.
    pub on_break: i64,
    /// State `out`.
    pub out: i64,
}

/// The tenant's sites, by name.
pub async fn sites(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<Vec<SiteRow>> {
    sqlx::query_as!(
        SiteRow,
        "SELECT id, key, name, zone FROM bellhop.site WHERE tenant_id = $1 ORDER BY name, key",
        tenant,
    )
    .fetch_all(conn)
    .await
}

/// Every zone in which a tenant has a site, over all tenants.
pub async fn zones(conn: &mut PgConnection) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!("SELECT DISTINCT tenant_id, zone FROM bellhop.site")
        .fetch_all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tenant_id, row.zone))
        .collect())
}

/// Names of the tenant's departments.
pub async fn departments(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "SELECT name FROM bellhop.department WHERE tenant_id = $1 ORDER BY name",
        tenant,
    )
    .fetch_all(conn)
    .await
}

/// Active people with a site, each with the day that is today at their site (`sites` and `dates`
/// go in pairs), by name; only `users` when given.
pub async fn people_on_board(
    conn: &mut PgConnection,
    tenant: Uuid,
    sites: &[Uuid],
    dates: &[Date],
    users: Option<&[Uuid]>,
) -> sqlx::Result<Vec<BoardPerson>> {
    let dates: Vec<jiff_sqlx::Date> = dates.iter().map(|date| date.to_sqlx()).collect();
    let rows = sqlx::query!(
        r#"SELECT u.key, u.name, u.site_id AS "site!",
                  coalesce((SELECT d.name FROM bellhop.user_department ud
                              JOIN bellhop.department d ON d.id = ud.department_id
                             WHERE ud.user_id = u.id ORDER BY d.key LIMIT 1), '') AS "department!",
                  a.state AS "state?", a.first_in, a.since AS "since?", a.last_at AS "last_at?",
                  a.device AS "device?", a.lag_ms
             FROM unnest($2::uuid[], $3::date[]) AS today (site_id, work_date)
             JOIN bellhop.user_account u
               ON u.site_id = today.site_id AND u.active AND u.tenant_id = $1
             LEFT JOIN bellhop.attendance_day a
               ON a.user_id = u.id AND a.work_date = today.work_date
            WHERE $4::uuid[] IS NULL OR u.id = ANY($4)
            ORDER BY u.name, u.key LIMIT $5"#,
        tenant,
        sites,
        &dates as _,
        users,
        LIMIT,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| BoardPerson {
            key: row.key,
            name: row.name,
            department: row.department,
            site: row.site,
            state: row.state,
            first_in: row.first_in.map(jiff_sqlx::Timestamp::to_jiff),
            since: row.since.map(jiff_sqlx::Timestamp::to_jiff),
            last_at: row.last_at.map(jiff_sqlx::Timestamp::to_jiff),
            device: row.device,
            lag_ms: row.lag_ms,
        })
        .collect())
}

/// Counts over everybody [`people_on_board`] would list without a limit.
pub async fn tiles(
    conn: &mut PgConnection,
    tenant: Uuid,
    sites: &[Uuid],
    dates: &[Date],
) -> sqlx::Result<TilesRow> {
    let dates: Vec<jiff_sqlx::Date> = dates.iter().map(|date| date.to_sqlx()).collect();
    sqlx::query_as!(
        TilesRow,
        r#"SELECT count(*) AS "people!",
                  count(*) FILTER (WHERE a.state = 'in') AS "present!",
                  count(*) FILTER (WHERE a.state = 'on_break') AS "on_break!",
                  count(*) FILTER (WHERE a.state = 'out') AS "out!"
             FROM unnest($2::uuid[], $3::date[]) AS today (site_id, work_date)
             JOIN bellhop.user_account u
               ON u.site_id = today.site_id AND u.active AND u.tenant_id = $1
             LEFT JOIN bellhop.attendance_day a
               ON a.user_id = u.id AND a.work_date = today.work_date"#,
        tenant,
        sites,
        &dates as _,
    )
    .fetch_one(conn)
    .await
}
