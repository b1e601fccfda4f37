//! The embedded database: [`embedded_postgres`] does the work, this joins it to settings and log.

use anyhow::Context;
use embedded_postgres::{Cluster, Durability, Running, Say, Settings};
use secrecy::SecretString;
use std::sync::Arc;

use crate::support::config::{Config, ConfigError};

/// A running embedded database. Stopped when dropped; [`Self::stop`] does it off the runtime.
#[derive(Debug)]
pub struct Embedded(Running);

impl Embedded {
    /// Makes, repairs or throws away the cluster as told, and starts it.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        let settings = Settings {
            data: config.database.data.clone(),
            bin: config
                .database
                .pg_bin
                .clone()
                .ok_or(ConfigError::NoDatabase)?,
            user: config.database.pg_user.clone(),
            durability: Durability::Durable,
        };
        let reset = config.reset.reset;
        let begun = tokio::task::spawn_blocking(move || {
            let open = if reset { Cluster::reset } else { Cluster::open };
            open(&settings, say())?.start()
        });
        let running = begun
            .await?
            .context("the embedded database cannot be used")?;
        Ok(Self(running))
    }

    /// Where to connect, password included.
    #[must_use]
    pub fn url(&self) -> SecretString {
        self.0.url().into()
    }

    /// Stops it, and returns when it is gone.
    pub async fn stop(self) {
        let _ = tokio::task::spawn_blocking(move || self.0.stop()).await;
    }
}

fn say() -> Say {
    Arc::new(|event| {
        if event.is_trouble() {
            tracing::error!("{event}");
        } else {
            tracing::info!("{event}");
        }
    })
}
