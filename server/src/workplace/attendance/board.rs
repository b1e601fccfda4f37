//! The board: everybody with a site, as of what is today at their site.

use app::model::Moment;
use app::model::attendance::{Board, BoardRow, BoardTiles, Site};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sqlx::PgConnection;
use uuid::Uuid;

use super::when;
use super::words::presence;
use crate::store::attendance as store;
use crate::store::topic::revision;
use crate::workplace::topics::Topic;
use crate::workplace::{Workplace, WorkplaceError};

/// The whole board. Five statements, whatever the number of people.
pub async fn board(workplace: &Workplace, tenant: Uuid) -> Result<Board, WorkplaceError> {
    let now = workplace.clock.now();
    let mut conn = workplace.pool.acquire().await?;
    let as_of = revision(&mut conn, tenant, &Topic::Attendance.group()).await?;
    let today = today(&mut conn, tenant, now).await?;
    let rows = rows(&mut conn, &today, None).await?;
    let tiles = tiles(&mut conn, &today).await?;
    let departments = store::departments(&mut conn, tenant).await?;
    let sites = today
        .sites
        .into_iter()
        .map(|(site, _)| Site {
            key: site.key,
            name: site.name,
            zone: site.zone,
        })
        .collect();
    Ok(Board {
        rows,
        tiles,
        sites,
        departments,
        as_of,
    })
}

/// How many are in, with the board's revision.
pub async fn present(
    conn: &mut PgConnection,
    tenant: Uuid,
    now: Timestamp,
) -> sqlx::Result<(i64, i64)> {
    let as_of = revision(conn, tenant, &Topic::Attendance.group()).await?;
    let today = today(conn, tenant, now).await?;
    Ok((tiles(conn, &today).await?.present, as_of))
}

/// What day it is where.
pub(super) struct Today {
    tenant: Uuid,
    sites: Vec<(store::SiteRow, TimeZone)>,
    ids: Vec<Uuid>,
    dates: Vec<Date>,
}

/// The tenant's sites with the day that it is there now.
pub(super) async fn today(
    conn: &mut PgConnection,
    tenant: Uuid,
    now: Timestamp,
) -> sqlx::Result<Today> {
    let sites: Vec<(store::SiteRow, TimeZone)> = store::sites(conn, tenant)
        .await?
        .into_iter()
        .map(|site| {
            // Checked when the site was made; zone data may have lost a name since.
            let zone = when::find(&site.zone).unwrap_or(TimeZone::UTC);
            (site, zone)
        })
        .collect();
    let ids = sites.iter().map(|(site, _)| site.id).collect();
    let dates = sites
        .iter()
        .map(|(_, zone)| now.to_zoned(zone.clone()).date())
        .collect();
    Ok(Today {
        tenant,
        sites,
        ids,
        dates,
    })
}

/// Rows of everybody, or of these users.
pub(super) async fn rows(
    conn: &mut PgConnection,
    today: &Today,
    users: Option<&[Uuid]>,
) -> sqlx::Result<Vec<BoardRow>> {
    let people =
        store::people_on_board(conn, today.tenant, &today.ids, &today.dates, users).await?;
    Ok(people
        .into_iter()
        .filter_map(|person| row(person, today))
        .collect())
}

fn row(person: store::BoardPerson, today: &Today) -> Option<BoardRow> {
    let (site, zone) = today
        .sites
        .iter()
        .find(|(site, _)| site.id == person.site)?;
    let clock = |at: Timestamp| {
        let local = at.to_zoned(zone.clone());
        format!("{:02}:{:02}", local.hour(), local.minute())
    };
    Some(BoardRow {
        user: person.key,
        name: person.name,
        department: person.department,
        site: site.key.clone(),
        state: presence(person.state.as_deref()),
        last_at: person.last_at.map(|at| Moment(at.as_millisecond())),
        since: person.since.map(clock),
        first_in: person.first_in.map(clock),
        device: person.device,
        lag_ms: person.lag_ms,
    })
}

/// Absolute counts over everybody.
pub(super) async fn tiles(conn: &mut PgConnection, today: &Today) -> sqlx::Result<BoardTiles> {
    let row = store::tiles(conn, today.tenant, &today.ids, &today.dates).await?;
    Ok(BoardTiles {
        people: row.people,
        present: row.present,
        on_break: row.on_break,
        out: row.out,
        not_seen: row.people - row.present - row.on_break - row.out,
    })
}
