//! The database, whoever runs it: connected, checked, migrated.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{MigrateDatabase, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection as _, Postgres};
use tracing::log::LevelFilter;

use super::embedded::Embedded;
use crate::delivery::epoch::Epochs;
use crate::store::SURELY_ALIVE;
use crate::support::config::Config;

/// The oldest PostgreSQL our SQL runs on.
const OLDEST: u32 = 15;
/// How long a request waits for a connection before it is told to come back later.
const WAIT: Duration = Duration::from_secs(5);

/// Every schema change, compiled in. Applying them takes an advisory lock: nodes may start at once.
pub static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// A database ready for use.
#[derive(Debug)]
pub struct Database {
    pub pool: PgPool,
    /// Where it is, password included.
    pub url: SecretString,
    /// `None` when it is somebody else's.
    embedded: Option<Embedded>,
}

impl Database {
    /// Connects (starting the embedded one if that is used), checks the version, migrates. Connections that are
    /// made later are looked at by `epochs`.
    pub async fn open(config: &Config, epochs: &Arc<Epochs>) -> anyhow::Result<Self> {
        let embedded = match &config.database.database_url {
            None => Some(Embedded::start(config).await?),
            Some(url) => {
                if config.reset.reset {
                    drop_and_create(url).await?;
                }
                None
            }
        };
        let url = match (&embedded, &config.database.database_url) {
            (Some(embedded), _) => embedded.url(),
            (None, Some(url)) => url.clone(),
            (None, None) => bail!("no database was named"),
        };
        match connect(&url, config.database.db_connections, epochs).await {
            Ok(pool) => Ok(Self {
                pool,
                url,
                embedded,
            }),
            Err(error) => {
                if let Some(embedded) = embedded {
                    embedded.stop().await;
                }
                Err(error)
            }
        }
    }

    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Closes the connections, then stops the embedded database: the last thing a process does.
    pub async fn close(self) {
        if tokio::time::timeout(WAIT, self.pool.close()).await.is_err() {
            tracing::warn!("connections to the database were still in use; closing anyway");
        }
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

async fn connect(
    url: &SecretString,
    connections: u32,
    epochs: &Arc<Epochs>,
) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = url
        .expose_secret()
        .parse()
        .context("DATABASE_URL cannot be read")?;
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let options = options
        .application_name("bellhop")
        .log_statements(LevelFilter::Trace);
    let pool = hands_out(epochs.watch(PgPoolOptions::new()))
        .max_connections(connections)
        .connect_with(options)
        .await
        .with_context(|| {
            format!(
                "no connection to PostgreSQL at {place}: does it run, and is the password right?"
            )
        })?;
    let version = pool.acquire().await?.server_version_num();
    judge(version)?;
    let begun = tokio::time::Instant::now();
    MIGRATIONS
        .run(&pool)
        .await
        .context("the schema cannot be brought to this version; nothing was served")?;
    tracing::info!(
        milliseconds = begun.elapsed().as_millis(),
        "the schema is up to date"
    );
    Ok(pool)
}

/// How connections are taken from the pool.
pub(crate) fn hands_out(options: PgPoolOptions) -> PgPoolOptions {
    options
        .acquire_timeout(WAIT)
        // sqlx would ask each connection whether it lives whenever it is taken, a round trip each time.
        // One that was used a moment ago is asked by its next statement.
        .test_before_acquire(false)
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                if meta.idle_for >= SURELY_ALIVE {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
}

/// Refuses what our SQL does not run on. `version` as PostgreSQL numbers itself, 150004 for 15.4; `None`: it did
/// not say.
fn judge(version: Option<u32>) -> anyhow::Result<()> {
    let Some(version) = version else {
        bail!("this database does not say which version of PostgreSQL it is");
    };
    let major = version / 10_000;
    if major >= OLDEST {
        return Ok(());
    }
    // Until 9.6 the second number counted for the name too.
    let minor = match major {
        10.. => version % 10_000,
        _ => version / 100 % 100,
    };
    bail!(
        "this database is PostgreSQL {major}.{minor}, the oldest supported is {OLDEST}: upgrade it, or \
         unset DATABASE_URL to use the embedded one"
    )
}

/// The settings were checked before: whoever asks for this has named the database.
async fn drop_and_create(url: &SecretString) -> anyhow::Result<()> {
    let url = url.expose_secret();
    tracing::warn!("dropping the database of DATABASE_URL, as told by --reset and --yes-drop");
    Postgres::force_drop_database(url)
        .await
        .context("the database cannot be dropped")?;
    Postgres::create_database(url)
        .await
        .context("the database cannot be created again")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn postgresql_15_and_newer_are_served() {
        for version in [150_000, 150_004, 170_002, 180_000, 1_000_000] {
            assert!(judge(Some(version)).is_ok(), "{version}");
        }
        for (version, name) in [
            (149_999, "14.9999"),
            (140_013, "14.13"),
            (100_023, "10.23"),
            (90_624, "9.6"),
        ] {
            let refused = judge(Some(version)).unwrap_err().to_string();
            let said = format!("PostgreSQL {name}, the oldest supported is 15: upgrade it");
            assert!(refused.contains(&said), "{refused}");
        }
        let refused = judge(None).unwrap_err().to_string();
        assert!(refused.contains("does not say"), "{refused}");
    }
}
