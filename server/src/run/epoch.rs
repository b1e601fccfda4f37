//! The stream epoch a server starts with. A database that lives elsewhere than when a server last started
//! on it may be a copy from before: a recovery to a point in time, a promoted standby, a dump in a new
//! database. Numbers are then given out a second time, and a new epoch says so.
//!
//! What changes nothing that can be seen from inside (a folder put back, a dump read back into its
//! place), the operator has to say: `bellhop db restored`.

use jiff::Timestamp;
use sqlx::{Connection as _, PgConnection};

use super::Parts;
use crate::store::{installation, ledger};

/// Makes a database fit to give numbers: there are partitions to write into, and the epoch is known.
/// Answers the epoch; begins a new one first if the database lives elsewhere now.
///
/// # Errors
/// When the database does not answer.
pub async fn open(parts: &Parts) -> sqlx::Result<i64> {
    let mut conn = parts.pool.acquire().await?;
    let now = parts.clock.now();
    ledger::ensure_partitions(&mut conn, now).await?;
    current(&mut conn, now).await
}

async fn current(conn: &mut PgConnection, now: Timestamp) -> sqlx::Result<i64> {
    let home = match installation::home(conn).await {
        Ok(home) => Some(home),
        Err(error @ sqlx::Error::Database(_)) => {
            tracing::warn!(%error, "where the database lives is not known: after a restore, `bellhop db restored`");
            None
        }
        Err(error) => return Err(error),
    };
    let mut tx = conn.begin().await?;
    let known = installation::lock(&mut tx).await?;
    let mut epoch = known.epoch;
    if let Some(home) = home
        && known.home.as_ref() != Some(&home)
    {
        // Never noted, but numbers were given: a database of before this was noted, and perhaps a backup
        // of it. One epoch too many does no harm.
        let was = match known.home {
            Some(was) => Some(was),
            None => installation::gave_numbers(&mut tx)
                .await?
                .then(|| "not noted".to_owned()),
        };
        if let Some(was) = was {
            epoch = installation::begin_epoch(&mut tx, now).await?;
            tracing::warn!(
                was,
                is = home,
                epoch,
                "the database lives elsewhere: a new epoch begins"
            );
        }
        installation::set_home(&mut tx, &home).await?;
    }
    tx.commit().await?;
    Ok(epoch)
}
