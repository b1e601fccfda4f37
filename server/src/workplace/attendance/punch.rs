//! A punch as a use case of its own, and as a part of somebody else's transaction.

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::board;
use super::record::{NewPunch, Outcome, Recorded, record};
use crate::support::ids::Ids;
use crate::workplace::change::{Change, Sealed};
use crate::workplace::topics::Topic;
use crate::workplace::{Workplace, WorkplaceError};

/// More rows than this in one patch, and the boards fetch instead.
const PATCH_LIMIT: usize = 200;

/// What a batch came to, and what goes out after its commit.
#[derive(Debug)]
#[must_use = "send what is sealed after the commit"]
pub struct Punched {
    /// One for each punch, in order.
    pub outcomes: Vec<Outcome>,
    /// To be sent after the commit.
    pub sealed: Sealed,
}

/// Takes down punches of one tenant; one commit for all of them.
pub async fn punch(
    workplace: &Workplace,
    tenant: Uuid,
    batch: Vec<NewPunch>,
) -> Result<Vec<Outcome>, WorkplaceError> {
    let now = workplace.clock.now();
    let mut tx = workplace.pool.begin().await?;
    let Punched { outcomes, sealed } =
        punch_in(&mut tx, tenant, batch, &workplace.ids, now).await?;
    sealed.commit(tx, workplace).await?;
    Ok(outcomes)
}

/// As [`punch`], inside the caller's transaction, as its last work.
///
/// A caller with punches of several tenants, or with publications beside them, calls [`record`]
/// for each tenant first, then appends to the ledger, then calls [`announce`] for each.
pub async fn punch_in(
    conn: &mut PgConnection,
    tenant: Uuid,
    batch: Vec<NewPunch>,
    ids: &Ids,
    now: Timestamp,
) -> sqlx::Result<Punched> {
    let recorded = record(&mut *conn, tenant, batch, ids, now).await?;
    let sealed = announce(conn, &recorded, now).await?;
    Ok(Punched {
        outcomes: recorded.outcomes,
        sealed,
    })
}

/// Raises the board's revision and reads what its patch says. Takes the transaction's last lock.
pub async fn announce(
    conn: &mut PgConnection,
    recorded: &Recorded,
    now: Timestamp,
) -> sqlx::Result<Sealed> {
    let mut change = Change::new(recorded.tenant);
    if recorded.changed.is_empty() {
        return change.seal(conn, now).await;
    }
    change.touch(Topic::Attendance);
    let mut sealed = change.seal(&mut *conn, now).await?;
    if recorded.changed.len() > PATCH_LIMIT {
        sealed.resync(Topic::Attendance);
        return Ok(sealed);
    }
    let today = board::today(&mut *conn, recorded.tenant, now).await?;
    for row in board::rows(&mut *conn, &today, Some(&recorded.changed)).await? {
        sealed.upsert(Topic::Attendance, &row);
    }
    sealed.counts(Topic::Attendance, &board::tiles(conn, &today).await?);
    Ok(sealed)
}
