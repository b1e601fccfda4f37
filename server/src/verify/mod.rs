//! `bellhop verify`: proves delivery from outside, on an installation that runs.
//!
//! It makes users of its own by provisioning, publishes marked notifications through the public API, receives them with
//! real clients over the real wire, cuts some of these off again and again, and audits what was promised
//! ([`audit`]). It knows nothing of the server's inside: what it proves holds for any client. Its clients, publishers
//! and its audit also serve `cargo xtask faults`, which breaks things meanwhile.
//!
//! Errors are `anyhow` here as in [`crate::run`]: whoever reads them sits at a shell.

pub mod api;
pub mod audit;
pub mod course;
pub mod events;
pub mod hub;
pub mod journal;
pub mod recipient;
pub mod report;
pub mod tokens;
pub mod traffic;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use self::api::Api;
use self::course::Wish;
use self::recipient::Server;
use self::tokens::Signer;
use crate::run::commands::target;
use crate::run::signals::Signals;
use crate::support::clock::Clock;
use crate::support::ids::{Ids, hex};

/// Exit code when there is no verdict.
pub const COULD_NOT_RUN: u8 = 2;
/// Of the users and of their group.
const PREFIX: &str = "bellhop-verify";

/// Publish marked notifications, receive them with real clients, and audit what was promised
///
/// Exit code 0: whole. 1: a promise was not kept. 2: it could not be run, or was broken off. The key needs the scopes
/// publish and read, and provision unless --tokens names users.
#[derive(Args, Debug)]
pub struct Verify {
    #[command(flatten)]
    server: target::Server,
    /// File with the server's verification keys: an HS key of it signs the clients' tokens
    #[arg(long, env = "BELLHOP_JWT_KEYS", value_name = "FILE")]
    jwt_keys: Option<PathBuf>,
    /// With --jwt-keys: tenant of the key
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// With --jwt-keys: service of the key
    #[arg(long, value_name = "ID")]
    service: Option<String>,
    /// File with tokens that your issuer made, `{"user": "token", …}`: these users receive, none is made
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// How many users receive
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    users: u16,
    /// Publications a second
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    rate: u32,
    /// How long it publishes
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// How long answers, and what is still under way at the end, are waited for
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600), value_name = "SECONDS")]
    patience: u64,
    /// Of a hundred clients, how many are cut off and come back all the time
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u16).range(..=100), value_name = "PERCENT")]
    restless: u16,
    /// Path of the hub
    #[arg(long, default_value = crate::support::hub_path::DEFAULT, value_name = "PATH")]
    hub_path: String,
    /// What chance comes from [default: the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// Leave the users active, for the next run
    #[arg(long)]
    keep: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Runs until the verdict, or until a signal breaks it off; whether all was whole.
    ///
    /// # Errors
    /// When it could not be run, with what to do.
    pub async fn run(self) -> anyhow::Result<bool> {
        let mut signals = Signals::catch()?;
        let stop = CancellationToken::new();
        let json = self.json;
        let run = self.course(stop.clone());
        tokio::pin!(run);
        let report = tokio::select! {
            report = &mut run => report?,
            name = signals.next() => {
                anstream::eprintln!("{name}: the report so far follows; once more leaves at once");
                stop.cancel();
                tokio::select! {
                    report = &mut run => report?,
                    name = signals.next() => bail!("{name} again: left without a report"),
                }
            }
        };
        if json {
            anstream::println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            anstream::print!("{report}");
        }
        if report.whole && report.broken_off {
            bail!("broken off: there is no verdict");
        }
        Ok(report.whole)
    }

    async fn course(self, stop: CancellationToken) -> anyhow::Result<report::Report> {
        let clock = Clock::system();
        let (url, key) = self.server.find()?;
        let server = Server::new(&url, &self.hub_path)?;
        let api = Arc::new(Api::new(server.clone(), key));
        api.ready().await?;
        // Nothing has this id: all that is asked is whether the key may read.
        let ids = Ids::new(clock.clone());
        api.states(ids.uuid()).await?;
        let users = self.people(&api, &clock).await?;
        let run = hex(&ids.bytes::<6>());
        let seed = self
            .seed
            .unwrap_or_else(|| clock.now().as_microsecond().unsigned_abs());
        let wish = Wish {
            run,
            server,
            api,
            users,
            group: self.tokens.is_none().then(|| PREFIX.to_owned()),
            rate: self.rate,
            seconds: self.seconds,
            patience: Duration::from_secs(self.patience),
            restless: usize::from(self.restless),
            seed,
            dismiss: !self.keep,
        };
        Box::pin(course::run(wish, stop)).await
    }

    /// Who receives, with their tokens; made first unless they were named.
    async fn people(
        &self,
        api: &Api,
        clock: &Clock,
    ) -> anyhow::Result<Vec<(Arc<str>, SecretString)>> {
        if let Some(path) = &self.tokens {
            return tokens::given(path, usize::from(self.users));
        }
        let signer = match (
            &self.jwt_keys,
            &self.tenant,
            &self.service,
            self.server.ready(),
        ) {
            (Some(keys), Some(tenant), Some(service), _) => Signer::of_keys(keys, tenant, service)?,
            (_, _, _, Some(ready)) => Signer::of_ready_file(ready)?,
            (Some(_), ..) => bail!(
                "--jwt-keys (BELLHOP_JWT_KEYS) wants --tenant and --service, those of the key"
            ),
            _ => bail!(
                "who receives? Give --jwt-keys with --tenant and --service, so that tokens can be signed, or --tokens \
                 with tokens that your issuer made, or --ready with the ready file of a server with demo data"
            ),
        };
        let names: Vec<Arc<str>> = (1..=self.users)
            .map(|number| format!("{PREFIX}-{number:03}").into())
            .collect();
        let lifetime = i64::try_from(self.seconds + 4 * self.patience + 900)?;
        let people = signer.sign(&names, lifetime, clock)?;
        api.provision(PREFIX, &names)
            .await
            .context("the users of the run could not be made")?;
        Ok(people)
    }
}
