//! `bellhop demo traffic`: a lively day at Merrow & Vale, through the public API and nothing else,
//! so that what moves on the screens is what any back end could make move.
//!
//! Stops by itself after its time, and at the first SIGINT or SIGTERM. A server that restarts
//! meanwhile is waited for; one that refuses the key, or has no demo, ends it with the reason.

mod client;
mod script;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::time::Instant;

use self::client::{Client, Outcome};
use self::script::{Answer, Script};
use crate::run::signals::Signals;
use crate::support::clock::Clock;

/// Failures in a row after which nobody is expected to come back.
const PATIENCE: u32 = 60;
/// Between two tries while the server is away.
const WAIT: Duration = Duration::from_secs(2);

/// Play a lively day against a running server that has the demo data
#[derive(Args, Debug)]
pub struct Traffic {
    /// The server's ready file; or give --url and --api-key
    #[arg(long, required_unless_present_all = ["url", "api_key"])]
    ready: Option<PathBuf>,
    /// Where the server is: http://127.0.0.1:7420
    #[arg(long)]
    url: Option<String>,
    /// An API key of the service `workplace` of the demo tenant, with the scopes publish and punch
    #[arg(long, env = "BELLHOP_API_KEY", hide_env_values = true)]
    api_key: Option<SecretString>,
    /// How long
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
    /// How many things happen a minute, on average
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=6000))]
    per_minute: u32,
    /// Another number, another day
    #[arg(long, default_value_t = 1)]
    day: u64,
}

/// What a day came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    done: u64,
    refused: u64,
}

impl Traffic {
    /// Plays until the time is over or a signal comes.
    ///
    /// # Errors
    /// When the server cannot be found, refuses the key, or stays away.
    pub async fn run(self) -> anyhow::Result<()> {
        let (url, key) = self.server()?;
        let mut signals = Signals::catch()?;
        let client = Client::new(&url, key)?;
        let clock = Clock::system();
        // Source ids must differ from those of the day before: they carry the start.
        let script = Script::new(self.day, clock.now());
        anstream::println!(
            "Playing {} minutes at {} a minute against {url}. Ctrl-C stops.",
            self.minutes,
            self.per_minute
        );
        let over = Instant::now() + Duration::from_secs(self.minutes * 60);
        let tally = tokio::select! {
            tally = play(&client, script, &clock, self.per_minute, over) => tally?,
            name = signals.next() => {
                anstream::println!("{name}: stopped.");
                return Ok(());
            }
        };
        anstream::println!(
            "The day is over: {} done, {} refused.",
            tally.done,
            tally.refused
        );
        Ok(())
    }

    fn server(&self) -> anyhow::Result<(String, SecretString)> {
        /// The part of the ready file that is needed here.
        #[derive(Deserialize)]
        struct Ready {
            url: String,
            api_key: Option<SecretString>,
        }
        let ready = match &self.ready {
            None => None,
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("read {}: is the server running?", path.display()))?;
                Some(serde_json::from_str::<Ready>(&text).context("read the ready file")?)
            }
        };
        let (from_url, from_key) = ready.map(|ready| (ready.url, ready.api_key)).unzip();
        let url = self.url.clone().or(from_url).context("give --url")?;
        let key = self.api_key.clone().or(from_key.flatten());
        Ok((
            url,
            key.context("the ready file has no API key; give --api-key")?,
        ))
    }
}

/// Calls, one after the other, until `over`.
async fn play(
    client: &Client,
    mut script: Script,
    clock: &Clock,
    per_minute: u32,
    over: Instant,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let mut away = 0;
    let mut next = Instant::now();
    while next < over {
        tokio::time::sleep_until(next).await;
        next = (next + script.pause(per_minute)).max(Instant::now());
        let now: Timestamp = clock.now();
        let call = script.next(now);
        match client.post(&call.path, &call.body).await? {
            Outcome::Done(body) => {
                (tally.done, away) = (tally.done + 1, 0);
                script.learn(call.then, &Answer::from(&body));
            }
            Outcome::Refused(detail) => {
                (tally.refused, away) = (tally.refused + 1, 0);
                tracing::debug!(path = call.path, detail, "refused");
            }
            Outcome::Away(reason) => {
                away += 1;
                anyhow::ensure!(away < PATIENCE, "the server stays away: {reason}");
                if away == 1 {
                    anstream::println!("The server is away ({reason}); waiting for it.");
                }
                next = Instant::now() + WAIT;
            }
        }
    }
    Ok(tally)
}
