//! Settings: one struct per section, each key a flag and a variable, its doc comment the help text.
//!
//! Reads: `DATABASE_URL` and the `BELLHOP_*` variables named at the fields. What cannot be combined
//! is refused by [`Config::check`] before anything is opened.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::address::{Network, TrustedProxies};
use super::hub_path::{self, HubPath};
pub use crate::push::settings::{Push, PushConfigError};
pub use crate::webhooks::settings::Webhooks;

/// Everything `bellhop serve` can be told.
#[derive(Args, Clone, Debug)]
pub struct Config {
    #[command(flatten)]
    pub http: Http,
    #[command(flatten)]
    pub hub: Hub,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub auth: Auth,
    #[command(flatten)]
    pub push: Push,
    #[command(flatten)]
    pub webhooks: Webhooks,
    #[command(flatten)]
    pub reset: Reset,
    #[command(flatten)]
    pub demo: Demo,
    #[command(flatten)]
    pub log: Log,
    /// Once serving, write addresses and credentials to this file (mode 0600); removed on stop
    #[arg(long, value_name = "FILE")]
    pub ready: Option<PathBuf>,
}

/// Where it listens and what it serves.
#[derive(Args, Clone, Debug)]
pub struct Http {
    /// Port to listen on; the next free one is taken when it is in use
    #[arg(long, env = "BELLHOP_PORT", default_value_t = 7420)]
    pub port: u16,
    /// Address to listen on
    #[arg(long, env = "BELLHOP_HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Path of the hub; several, comma-separated, are the same hub under several names, and the
    /// screens use the first
    #[arg(
        long = "hub-path",
        env = "BELLHOP_HUB_PATHS",
        value_delimiter = ',',
        default_value = hub_path::DEFAULT,
        value_name = "PATH"
    )]
    pub hub_paths: Vec<HubPath>,
    /// Folder of the built browser files
    #[arg(
        long,
        env = "BELLHOP_SITE_ROOT",
        default_value = "target/site",
        value_name = "DIR"
    )]
    pub site_root: PathBuf,
    /// Networks whose X-Forwarded-For is believed, comma-separated (10.0.0.0/8)
    #[arg(
        long,
        env = "BELLHOP_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_name = "NET"
    )]
    pub trusted_proxies: Vec<Network>,
    /// How browsers name this site, when a proxy in front changes the Host header, `https://hr.example.com`
    #[arg(
        long = "origin",
        env = "BELLHOP_ORIGINS",
        value_delimiter = ',',
        value_name = "URL"
    )]
    pub origins: Vec<String>,
    /// Connections held at once, more wait outside [default: as many as files may be open]
    #[arg(long, env = "BELLHOP_MAX_CONNECTIONS", value_name = "N")]
    pub max_connections: Option<usize>,
    /// Answer /metrics to everybody who can reach the port, not only to this machine
    #[arg(long, env = "BELLHOP_METRICS_PUBLIC")]
    pub metrics_public: bool,
}

/// What one client of the hub may take up, and how they leave.
#[derive(Args, Clone, Copy, Debug)]
pub struct Hub {
    /// Connections of one user, over which the next is answered 429; 0: no bound
    #[arg(
        long = "max-user-connections",
        env = "BELLHOP_MAX_USER_CONNECTIONS",
        default_value_t = 100,
        value_name = "N"
    )]
    pub user_connections: usize,
    /// The same of one address (of IPv6 one /64), for hubs that face the world: a whole office may
    /// share one; 0: no bound
    #[arg(
        long = "max-address-connections",
        env = "BELLHOP_MAX_ADDRESS_CONNECTIONS",
        default_value_t = 0,
        value_name = "N"
    )]
    pub address_connections: usize,
    /// Calls a second on one connection, in bursts of as many, over which it is closed; 0: no bound
    #[arg(
        long = "max-calls-per-second",
        env = "BELLHOP_MAX_CALLS_PER_SECOND",
        default_value_t = 0,
        value_name = "N"
    )]
    pub calls_per_second: u32,
    /// On stop, the longest time over which connections are told to come back elsewhere; 10,000 a
    /// second where that is shorter; 0: all at once
    #[arg(
        long = "drain-seconds",
        env = "BELLHOP_DRAIN_SECONDS",
        default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(..=600),
        value_name = "SECONDS"
    )]
    pub drain_seconds: u64,
}

/// Which database, and how the embedded one is run.
#[derive(Args, Clone, Debug)]
pub struct Database {
    /// A PostgreSQL (15 or later) of your own; without it an embedded one is run
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<SecretString>,
    /// Folder for everything that has to survive: the embedded database, its password
    #[arg(
        long = "data",
        env = "BELLHOP_DATA",
        default_value = "data",
        value_name = "DIR"
    )]
    pub data: PathBuf,
    /// Folder of PostgreSQL's programs, for the embedded database
    #[arg(long, env = "BELLHOP_PG_BIN", value_name = "DIR")]
    pub pg_bin: Option<PathBuf>,
    /// As root: the user that runs the embedded database [default: postgres, else nobody]
    #[arg(long, env = "BELLHOP_PG_USER", value_name = "NAME")]
    pub pg_user: Option<String>,
    /// Connections to the database held at most; at least 4, one of them is the committer's own
    #[arg(
        long,
        env = "BELLHOP_DB_CONNECTIONS",
        default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(4..),
        value_name = "N"
    )]
    pub db_connections: u32,
    /// Days that notifications and what became of them are kept, at least 30
    #[arg(
        long,
        env = "BELLHOP_RETENTION_DAYS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u16).range(30..=3_650),
        value_name = "N"
    )]
    pub retention_days: u16,
}

/// Whose tokens are good.
#[derive(Args, Clone, Debug, Default)]
pub struct Auth {
    /// File with the keys that verify your tokens (`docs/integrators/tokens.md`)
    #[arg(long, env = "BELLHOP_JWT_KEYS", value_name = "FILE")]
    pub jwt_keys: Option<PathBuf>,
    /// Refuse a token whose user is not provisioned, instead of creating the user
    #[arg(long, env = "BELLHOP_NO_CREATE_USERS")]
    pub no_create_users: bool,
}

/// Starting anew.
#[derive(Args, Clone, Debug, Default)]
pub struct Reset {
    /// Throw away the embedded database first
    #[arg(long)]
    pub reset: bool,
    /// With --reset and a database of your own: its name, to prove that you mean it
    #[arg(long, value_name = "NAME", requires = "reset")]
    pub yes_drop: Option<String>,
}

/// Demo data.
#[derive(Args, Clone, Debug, Default)]
pub struct Demo {
    /// Load demo data even though the database is your own
    #[arg(long, conflicts_with = "no_demo")]
    pub demo: bool,
    /// Leave a new embedded database without demo data
    #[arg(long)]
    pub no_demo: bool,
}

/// What the log looks like.
#[derive(Args, Clone, Debug)]
pub struct Log {
    /// Which events are logged, in tracing's filter syntax
    #[arg(
        long = "log",
        env = "BELLHOP_LOG",
        default_value = "info,sqlx::postgres::notice=warn",
        value_name = "FILTER"
    )]
    pub filter: String,
    /// Lines for people, or one JSON object per event
    #[arg(
        long,
        env = "BELLHOP_LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// A combination that is refused, with the way out.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "no database: set DATABASE_URL, or point BELLHOP_PG_BIN at the folder of PostgreSQL's \
         programs (`cargo xtask run` does it for you)"
    )]
    NoDatabase,
    #[error("DATABASE_URL is not a URL like postgres://user:password@host/name")]
    BadUrl,
    #[error(
        "--reset would drop the database `{name}` named by DATABASE_URL: if you mean it, add \
         --yes-drop={name}"
    )]
    ResetNotMeant { name: String },
    #[error("--yes-drop={given} does not name the database of DATABASE_URL, which is `{name}`")]
    OtherName { given: String, name: String },
    #[error(
        "--yes-drop is for a database of your own: the embedded one is dropped by --reset alone"
    )]
    NothingToName,
    #[error(transparent)]
    Push(#[from] PushConfigError),
}

impl Config {
    /// Refuses what cannot be combined.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.push.check()?;
        let Some(name) = self.database.external_name()? else {
            return match (&self.database.pg_bin, &self.reset.yes_drop) {
                (_, Some(_)) => Err(ConfigError::NothingToName),
                (None, None) => Err(ConfigError::NoDatabase),
                (Some(_), None) => Ok(()),
            };
        };
        match &self.reset.yes_drop {
            None if self.reset.reset => Err(ConfigError::ResetNotMeant { name }),
            Some(given) if *given != name => Err(ConfigError::OtherName {
                given: given.clone(),
                name,
            }),
            _ => Ok(()),
        }
    }

    /// Whether a database without data gets demo data: the embedded one unless told not to, another
    /// only when told to.
    #[must_use]
    pub fn wants_demo(&self) -> bool {
        if self.database.is_embedded() {
            !self.demo.no_demo
        } else {
            self.demo.demo
        }
    }
}

impl Http {
    /// The hub's path for those who need one: the first.
    #[must_use]
    pub fn hub_path(&self) -> &str {
        self.hub_paths
            .first()
            .map_or(hub_path::DEFAULT, HubPath::as_str)
    }

    /// The hub's paths, each once: two that differ in case only are one.
    pub fn distinct_hub_paths(&self) -> impl Iterator<Item = &str> {
        let paths = &self.hub_paths;
        let twin = |place: usize, path: &str| {
            let mut before = paths[..place].iter();
            before.any(|other| other.as_str().eq_ignore_ascii_case(path))
        };
        let numbered = paths.iter().map(HubPath::as_str).enumerate();
        numbered.filter_map(move |(place, path)| (!twin(place, path)).then_some(path))
    }

    /// Whose word on where a request comes from is taken.
    #[must_use]
    pub fn proxies(&self) -> TrustedProxies {
        TrustedProxies::new(&self.trusted_proxies)
    }
}

impl Database {
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.database_url.is_none()
    }

    /// The name of the database of one's own; `None` with the embedded one.
    pub fn external_name(&self) -> Result<Option<String>, ConfigError> {
        let Some(url) = &self.database_url else {
            return Ok(None);
        };
        let url = Url::parse(url.expose_secret()).map_err(|_| ConfigError::BadUrl)?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(ConfigError::BadUrl);
        }
        match url.path().trim_start_matches('/') {
            "" => Ok(Some(url.username().to_owned())), // PostgreSQL's own rule
            name => Ok(Some(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        config: Config,
    }

    fn config(args: &str) -> Config {
        let args = std::iter::once("bellhop").chain(args.split_whitespace());
        Cli::try_parse_from(args).unwrap().config
    }

    const OWN: &str = "--database-url=postgres://me:secret@db/shop";

    #[test]
    fn a_database_is_needed_and_the_error_says_where_from() {
        assert_eq!(config("").check(), Err(ConfigError::NoDatabase));
        assert_eq!(config("--pg-bin=/pg").check(), Ok(()));
        assert_eq!(config(OWN).check(), Ok(()));
        assert_eq!(
            config("--database-url=shop").check(),
            Err(ConfigError::BadUrl)
        );
    }

    #[test]
    fn a_database_of_ones_own_is_dropped_only_when_named() {
        let name = || "shop".to_owned();
        let check = |args: &str| config(&format!("{OWN} {args}")).check();
        assert_eq!(
            check("--reset"),
            Err(ConfigError::ResetNotMeant { name: name() })
        );
        assert_eq!(
            check("--reset --yes-drop=till"),
            Err(ConfigError::OtherName {
                given: "till".into(),
                name: name()
            })
        );
        assert_eq!(check("--reset --yes-drop=shop"), Ok(()));
        assert_eq!(config("--pg-bin=/pg --reset").check(), Ok(()));
        assert_eq!(
            config("--pg-bin=/pg --reset --yes-drop=shop").check(),
            Err(ConfigError::NothingToName)
        );
        assert!(Cli::try_parse_from(["bellhop", OWN, "--yes-drop=shop"]).is_err());
    }

    #[test]
    fn demo_data_goes_into_the_embedded_database_only_unless_told() {
        assert!(config("--pg-bin=/pg").wants_demo());
        assert!(!config("--pg-bin=/pg --no-demo").wants_demo());
        assert!(!config(OWN).wants_demo());
        assert!(config(&format!("{OWN} --demo")).wants_demo());
    }

    #[test]
    fn the_password_is_in_no_debug_output() {
        assert!(!format!("{:?}", config(OWN)).contains("secret@"));
    }
}
