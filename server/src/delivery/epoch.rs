//! The stream epoch. A database that lives elsewhere than when a server last looked may be a copy from
//! before: a recovery to a point in time, a promoted standby, a dump in a new database. Numbers are then
//! given out a second time, and a new epoch says so.
//!
//! Looked at when a server starts, whenever it makes a connection to the database, before anything is
//! read or written through that, and every ten seconds. What changes nothing that can be seen from inside
//! (a folder put back, a dump read back into its place), the operator has to say: `bellhop db restored`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::watch;

use crate::store::{Pool, installation, ledger};
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;

/// How often is looked although no connection was made: for `bellhop db restored`.
const LOOK: Duration = Duration::from_secs(10);

/// The epoch as everybody on this node reads it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Epoch(watch::Receiver<i64>);

impl Epoch {
    /// The present one.
    #[must_use]
    pub fn now(&self) -> i64 {
        *self.0.borrow()
    }

    /// Resolves when another one has begun since the last call; never, once its keeper is gone.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[derive(Clone, Debug)]
struct Found {
    /// Where the database lives, if it says so.
    home: Option<String>,
}

/// Keeps the epoch.
#[derive(Debug)]
pub struct Epochs {
    clock: Clock,
    /// What was found when it was last looked at; `None` before [`Self::open`].
    found: Mutex<Option<Found>>,
    told: watch::Sender<i64>,
}

impl Epochs {
    /// Knows nothing before [`Self::open`].
    #[must_use]
    pub fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            clock,
            found: Mutex::new(None),
            told: watch::Sender::new(0),
        })
    }

    /// The epoch, to read.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        Epoch(self.told.subscribe())
    }

    /// Has each connection that a pool makes looked at before it is used.
    #[must_use]
    pub fn watch(self: &Arc<Self>, options: PgPoolOptions) -> PgPoolOptions {
        let keeper = self.clone();
        options.after_connect(move |conn, _| {
            let keeper = keeper.clone();
            Box::pin(async move { keeper.look(conn).await })
        })
    }

    /// Makes a database fit to give numbers: there are partitions to write into, and the epoch is known.
    /// Begins a new one first if the database lives elsewhere now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open(&self, pool: &Pool) -> sqlx::Result<()> {
        let mut conn = pool.acquire().await?;
        ledger::ensure_partitions(&mut conn, self.clock.now()).await?;
        let home = home(&mut conn).await?;
        if home.is_none() {
            tracing::warn!(
                "where the database lives is not known: after a restore, `bellhop db restored`"
            );
        }
        self.settle(&mut conn, home).await
    }

    /// Looks every ten seconds, until the process stops.
    pub fn start(self: &Arc<Self>, pool: Pool, life: &Lifecycle) {
        let (keeper, stopping) = (self.clone(), life.stopping());
        life.spawn("epoch", async move {
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(LOOK) => {}
                }
                // The database is away: the next connection is looked at anyway.
                if let Ok(mut conn) = pool.acquire().await
                    && let Err(error) = keeper.look(&mut conn).await
                {
                    tracing::warn!(%error, "the epoch could not be looked at");
                }
            }
        });
    }

    /// Is it still the database that numbers were given from? If not, the new epoch has begun when this
    /// returns. Two round trips.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look(&self, conn: &mut PgConnection) -> sqlx::Result<()> {
        // Before it was opened there may be no schema.
        let Some(known) = self.found.lock().clone() else {
            return Ok(());
        };
        // Where it was not said once it is not asked for again: each time would be an error in the database's log.
        let home = match known.home {
            Some(_) => home(conn).await?,
            None => None,
        };
        let moved = home.is_some() && home != known.home;
        if moved || installation::epoch(conn).await? != *self.told.borrow() {
            self.settle(conn, home).await?;
        }
        Ok(())
    }

    async fn settle(&self, conn: &mut PgConnection, home: Option<String>) -> sqlx::Result<()> {
        let epoch = current(conn, home.as_deref(), self.clock.now()).await?;
        *self.found.lock() = Some(Found { home });
        self.told.send_if_modified(|told| {
            let is_new = *told != epoch;
            *told = epoch;
            is_new
        });
        Ok(())
    }
}

/// PostgreSQL's `object_not_in_prerequisite_state`: what is read of the log is refused while it recovers.
const RECOVERING: &str = "55000";

/// `None` where the operator of the database does not let us know. A standby is no database to give numbers from:
/// one that was connected to before it is promoted would be taken for the old one after.
async fn home(conn: &mut PgConnection) -> sqlx::Result<Option<String>> {
    match installation::home(conn).await {
        Ok(home) => Ok(Some(home)),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() != Some(RECOVERING) => {
            tracing::debug!(%error, "where the database lives is not known");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn current(conn: &mut PgConnection, home: Option<&str>, now: Timestamp) -> sqlx::Result<i64> {
    let mut tx = conn.begin().await?;
    let known = installation::lock(&mut tx).await?;
    let mut epoch = known.epoch;
    if let Some(home) = home
        && known.home.as_deref() != Some(home)
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
        installation::set_home(&mut tx, home).await?;
    }
    tx.commit().await?;
    Ok(epoch)
}
