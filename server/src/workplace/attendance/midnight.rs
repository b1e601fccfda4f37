//! Midnight at a site: nobody there was seen yet, and no punch says so.
//!
//! The board's rows are of the site's day. When that ends, every open board has to fetch: a patch
//! of the next punch would put new totals beside yesterday's rows.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::when;
use crate::store::attendance as store;
use crate::support::lifecycle::Lifecycle;
use crate::workplace::change::Change;
use crate::workplace::topics::Topic;
use crate::workplace::{Workplace, WorkplaceError};

/// Sites may be made or moved meanwhile, so it looks this often at least.
const LOOK: Duration = Duration::from_mins(5);

/// Starts the task; it stops when the process does.
pub fn start(workplace: Workplace, life: &Lifecycle) {
    life.spawn("midnight", run(workplace, life.stopping()));
}

async fn run(workplace: Workplace, stopping: CancellationToken) {
    let mut since = workplace.clock.now();
    let mut pause = LOOK;
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let now = workplace.clock.now();
        match turn(&workplace, since, now).await {
            Ok(next) => {
                since = now;
                pause = next.map_or(LOOK, |next| until(now, next));
            }
            // `since` stays: a midnight during the trouble is told afterwards.
            Err(error) => {
                tracing::warn!(%error, "midnight not told, will look again");
                pause = Duration::from_secs(10);
            }
        }
    }
}

/// Just after it, so that the day has begun when we look.
fn until(now: Timestamp, next: Timestamp) -> Duration {
    let left = next.duration_since(now) + SignedDuration::from_millis(50);
    Duration::try_from(left).unwrap_or(LOOK).min(LOOK)
}

/// Tells the boards of every tenant that has a site whose day ended between the two instants;
/// answers the next midnight anywhere.
pub async fn turn(
    workplace: &Workplace,
    since: Timestamp,
    now: Timestamp,
) -> Result<Option<Timestamp>, WorkplaceError> {
    let mut conn = workplace.pool.acquire().await?;
    let zones = store::zones(&mut conn).await?;
    drop(conn);
    let (turned, next) = look(&zones, since, now);
    for tenant in turned {
        let mut tx = workplace.pool.begin().await?;
        let mut change = Change::new(tenant);
        change.touch(Topic::Attendance);
        let mut sealed = change.seal(&mut tx, now).await?;
        sealed.resync(Topic::Attendance);
        sealed.commit(tx, workplace).await?;
    }
    Ok(next)
}

/// Tenants with another day somewhere, and the next midnight.
fn look(
    zones: &[(Uuid, String)],
    since: Timestamp,
    now: Timestamp,
) -> (BTreeSet<Uuid>, Option<Timestamp>) {
    let mut turned = BTreeSet::new();
    let mut next = None;
    for (tenant, name) in zones {
        let Ok(zone) = when::find(name) else { continue };
        let today = now.to_zoned(zone.clone()).date();
        if since.to_zoned(zone.clone()).date() != today {
            turned.insert(*tenant);
        }
        // Not "in 24 hours": days of 23 and 25 hours, and days that begin at 01:00, exist.
        let tomorrow = today
            .tomorrow()
            .ok()
            .and_then(|date| date.to_zoned(zone).ok());
        if let Some(midnight) = tomorrow.map(|zoned| zoned.timestamp()) {
            next = Some(next.map_or(midnight, |earliest: Timestamp| earliest.min(midnight)));
        }
    }
    (turned, next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workplace::fixture::Place;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_next_midnight_is_that_of_the_site() {
        let zones = [
            (Uuid::from_u128(1), "Europe/London".to_owned()),
            (Uuid::from_u128(2), "Asia/Kolkata".to_owned()),
        ];
        let (turned, next) = look(
            &zones,
            at("2026-11-20T18:00:00Z"),
            at("2026-11-20T18:10:00Z"),
        );
        assert!(turned.is_empty());
        assert_eq!(next, Some(at("2026-11-20T18:30:00Z")));
        let (turned, next) = look(
            &zones,
            at("2026-11-20T18:29:59Z"),
            at("2026-11-20T18:30:00Z"),
        );
        assert_eq!(turned, BTreeSet::from([Uuid::from_u128(2)]));
        assert_eq!(next, Some(at("2026-11-21T00:00:00Z")));
        // The night of the change back: 25 hours from midnight to midnight.
        let (_, next) = look(
            &zones[..1],
            at("2026-10-24T23:00:00Z"),
            at("2026-10-24T23:00:00Z"),
        );
        assert_eq!(next, Some(at("2026-10-26T00:00:00Z")));
    }

    #[tokio::test]
    async fn open_boards_fetch_at_midnight_of_their_sites() {
        let place = Place::open("2026-11-20T18:20:00Z").await;
        let tenant = place.tenant("merrow").await;
        let before = place.workplace.clock.now();
        place.clock.advance(11 * 60_000);
        let now = place.workplace.clock.now();
        turn(&place.workplace, before, now).await.unwrap();
        turn(&place.workplace, now, now).await.unwrap();
        let patches = place.patches(&tenant, Topic::Attendance);
        assert_eq!(patches.len(), 1);
        assert!(patches[0].resync);
    }
}
