//! `bellhop migrate`: brings the database to this version's schema, and stops.

use clap::Args;

use super::database::Database;
use crate::delivery::epoch::Epochs;
use crate::support::clock::Clock;
use crate::support::config::Config;
use crate::support::telemetry;

#[derive(Args, Debug)]
pub struct Migrate {
    #[command(flatten)]
    config: Config,
}

impl Migrate {
    pub async fn run(self) -> anyhow::Result<()> {
        self.config.check()?;
        telemetry::start(&self.config.log)?;
        // Opening it is what migrates it, as at every start.
        let epochs = Epochs::new(Clock::system());
        Database::open(&self.config, &epochs).await?.close().await;
        Ok(())
    }
}
