//! `bellhop serve`: the composition. Read top to bottom, it is the order in which things start; they
//! stop in the opposite order, the database last.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::database::Database;
use super::lifecycle::Lifecycle;
use super::parts::Parts;
use super::product::Product;
use super::ready::{Ready, ReadyFile};
use super::signals::Signals;
use super::{accept, listen};
use crate::auth::VerificationKeys;
use crate::support::{clock::Clock, config::Config, ids::Ids, telemetry};
use crate::web;

#[derive(Args, Debug)]
pub struct Serve {
    #[command(flatten)]
    config: Config,
}

impl Serve {
    pub async fn run(self) -> anyhow::Result<()> {
        let config = Arc::new(self.config);
        config.check()?;
        telemetry::start(&config.log)?;
        let mut signals = Signals::catch()?;
        let database = tokio::select! {
            database = Database::open(&config) => database?,
            name = signals.next() => {
                tracing::info!("{name} before anything was served");
                return Ok(());
            }
        };
        let served = serve(&config, &database, &mut signals).await;
        database.close().await;
        served
    }
}

/// Serves until a signal comes; when this returns, nothing uses the database any more.
async fn serve(
    config: &Arc<Config>,
    database: &Database,
    signals: &mut Signals,
) -> anyhow::Result<()> {
    let clock = Clock::system();
    let parts = Parts {
        pool: database.pool.clone(),
        ids: Ids::new(clock.clone()),
        clock,
        life: Lifecycle::new(),
        config: config.clone(),
    };
    let product = Product::start(parts.clone(), keys(config)?)
        .await
        .context("the rooms could not be opened")?;
    let listener = listen::listen(config.http.host, config.http.port)?;
    let address = listener.local_addr()?;
    let most = connections(config.http.max_connections);
    let accepting = accept::accept(listener, router(&product), parts.life.clone(), most);
    parts.life.spawn("accept", accepting);

    let ready = ready(address, database);
    let file = config
        .ready
        .as_deref()
        .map(|path| ReadyFile::write(path, &ready))
        .transpose();
    if file.is_ok() {
        greet(&ready);
        let name = signals.next().await;
        tracing::info!("{name}: stopping; once more stops at once");
    }
    let file = file.map(drop); // before the stop: whoever sees the file can connect
    signals.stop(&parts.life).await;
    file
}

/// The keys that verify tokens, from the file the settings name.
fn keys(config: &Config) -> anyhow::Result<VerificationKeys> {
    let Some(path) = &config.auth.jwt_keys else {
        return Ok(VerificationKeys::default());
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} (BELLHOP_JWT_KEYS) cannot be read", path.display()))?;
    VerificationKeys::from_json(&text).with_context(|| path.display().to_string())
}

fn router(product: &Product) -> Router {
    let rooms = web::Rooms::new(product.clone(), Vec::new());
    product
        .routes()
        .merge(web::routes(&product.parts, Arc::new(rooms)))
}

fn ready(address: SocketAddr, database: &Database) -> Ready {
    let url = format!("http://{}", reachable(address));
    Ready {
        hub: format!("{url}/hubs/workflow"),
        url,
        pid: std::process::id(),
        database_url: database.is_embedded().then(|| database.url.clone()),
        tenant: None,
        service: None,
        api_key: None,
        jwt: None,
        logins: Vec::new(),
    }
}

fn greet(ready: &Ready) {
    let style = anstyle::Style::new().bold();
    anstream::println!("\n  Bellhop serves at {style}{}{style:#}\n", ready.url);
}

/// A browser on this machine cannot open the address that means "all of them".
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Raises the limit of open files as far as allowed; returns how many connections are held at once.
fn connections(wanted: Option<usize>) -> usize {
    /// What is open besides connections of clients: database, files, timers.
    const OTHERS: u64 = 256;
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let most = files.map_or(usize::MAX, |files| {
        usize::try_from(files.saturating_sub(OTHERS))
            .unwrap_or(usize::MAX)
            .max(16)
    });
    let Some(wanted) = wanted else { return most };
    if most < wanted {
        tracing::warn!(
            "the limit of open files allows {most} connections instead of {wanted}: raise it with \
             `ulimit -n`, or LimitNOFILE in a systemd unit"
        );
    }
    most.min(wanted)
}
