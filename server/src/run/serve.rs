//! `bellhop serve`: the composition. Read top to bottom, it is the order in which things start; they
//! stop in the opposite order, the database last.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use secrecy::ExposeSecret;

use super::database::Database;
use super::demo::{self, Demo, DemoPhones};
use super::parts::Parts;
use super::product::Product;
use super::ready::{Ready, ReadyFile};
use super::signals::Signals;
use super::{accept, listen};
use crate::auth::VerificationKeys;
use crate::auth::jwt::keys::configs_from_json;
use crate::delivery::epoch::Epochs;
use crate::push::Pusher;
use crate::support::lifecycle::Lifecycle;
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
        let epochs = Epochs::new(Clock::system());
        let database = tokio::select! {
            database = Database::open(&config, &epochs) => database?,
            name = signals.next() => {
                tracing::info!("{name} before anything was served");
                return Ok(());
            }
        };
        let served = serve(&config, &database, epochs, &mut signals).await;
        database.close().await;
        served
    }
}

/// Serves until a signal comes; when this returns, nothing uses the database any more.
async fn serve(
    config: &Arc<Config>,
    database: &Database,
    epochs: Arc<Epochs>,
    signals: &mut Signals,
) -> anyhow::Result<()> {
    let clock = Clock::system();
    let ids = Ids::new(clock.clone());
    if config.push.allow_loopback {
        tracing::warn!(
            "--push-allow-loopback: whoever registers a browser can have this server write to any port of this \
             machine; for development only"
        );
    }
    let pusher = Pusher::open(&config.push, clock.clone(), ids.clone())?;
    let parts = Parts {
        pool: database.pool.clone(),
        ids,
        clock,
        epochs,
        pusher: Arc::new(pusher),
        life: Lifecycle::new(),
        config: config.clone(),
    };
    let told = until_told(&parts, database, signals).await;
    // Also when something could not be opened: tasks of the rooms before it may run already.
    signals.stop(&parts.life).await;
    told
}

/// Opens everything, serves, and returns when a signal came or something could not be opened.
async fn until_told(
    parts: &Parts,
    database: &Database,
    signals: &mut Signals,
) -> anyhow::Result<()> {
    let config = &parts.config;
    // Before the demo gives numbers: a database that has given some and does not know where it lives may
    // be a copy.
    parts.epochs.open(&parts.pool).await?;
    let demo = Demo::load(parts)
        .await
        .context("the demo data could not be loaded")?;
    let (parts, phones) = with_phones(parts, demo.as_ref()).await?;
    let product = Product::start(parts.clone(), keys(config, demo.as_ref())?)
        .await
        .context("the rooms could not be opened")?;
    let listener = listen::listen(config.http.host, config.http.port)?;
    let address = listener.local_addr()?;
    let most = connections(config.http.max_connections);
    let accepting = accept::accept(
        listener,
        router(&product, demo.as_ref(), phones.as_ref())?,
        parts.life.clone(),
        most,
    );
    parts.life.spawn("accept", accepting);

    let hub_path = config.http.hub_path();
    let mut ready = ready(address, hub_path, database, demo.as_ref());
    if !database.is_embedded() || config.auth.jwt_keys.is_some() {
        ready.keep_secrets();
    }
    if let (Some(phones), Some(demo)) = (&phones, &demo) {
        let registered = phones.register(&parts, demo, &ready.url).await;
        registered.context("the demo's phones could not be registered")?;
        ready.phones = Some(phones.url());
    }
    let setup = web::ensure_setup_link(&parts.pool, &parts.clock, &parts.ids).await?;
    // Removed when dropped, before the stop: whoever sees the file can connect.
    let file = config
        .ready
        .as_deref()
        .map(|path| ReadyFile::write(path, &ready))
        .transpose()?;
    greet(&ready, demo.as_ref(), setup.as_deref());
    let name = signals.next().await;
    tracing::info!("{name}: stopping; once more stops at once");
    drop(file);
    parts.life.leave();
    tokio::select! {
        () = product.drain() => {}
        name = signals.next() => tracing::warn!("{name} again: connections are cut"),
    }
    Ok(())
}

/// Beside demo data, phones to push to, and a pusher that reaches them.
async fn with_phones(
    parts: &Parts,
    demo: Option<&Demo>,
) -> anyhow::Result<(Parts, Option<DemoPhones>)> {
    let mut parts = parts.clone();
    let phones = match demo {
        Some(_) => DemoPhones::open(&parts).await?,
        None => None,
    };
    if let Some(phones) = &phones {
        parts.pusher = phones.pusher.clone();
    }
    Ok((parts, phones))
}

/// The keys that verify tokens: those of the file the settings name, and the demo's.
fn keys(config: &Config, demo: Option<&Demo>) -> anyhow::Result<VerificationKeys> {
    let mut keys = Vec::new();
    if let Some(path) = &config.auth.jwt_keys {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} (BELLHOP_JWT_KEYS) cannot be read", path.display()))?;
        keys = configs_from_json(&text).with_context(|| path.display().to_string())?;
    }
    if let Some(demo) = demo {
        keys.push(demo.key()?);
    }
    Ok(VerificationKeys::new(keys)?)
}

/// Everything under one roof: API and hub by token, screens by session.
fn router(
    product: &Product,
    demo: Option<&Demo>,
    phones: Option<&DemoPhones>,
) -> anyhow::Result<Router> {
    let config = &product.parts.config;
    let rooms = web::Rooms::new(product.clone(), demo.map(Demo::buttons).unwrap_or_default())
        .with_phones(phones.map(DemoPhones::url));
    // Behind a proxy that speaks TLS the cookie is Secure although we listen on loopback.
    let https = config
        .http
        .origins
        .iter()
        .any(|origin| origin.starts_with("https://"));
    let secure = https || !config.http.host.is_loopback();
    let screens = web::screens(product, Arc::new(rooms), secure)?;
    Ok(product.site(screens))
}

fn ready(address: SocketAddr, hub_path: &str, database: &Database, demo: Option<&Demo>) -> Ready {
    let url = format!("http://{}", reachable(address));
    Ready {
        hub: format!("{url}{hub_path}"),
        url,
        pid: std::process::id(),
        database_url: database.is_embedded().then(|| database.url.clone()),
        tenant: demo.map(|demo| demo.tenant().to_owned()),
        service: demo.map(|_| demo::SERVICE.to_owned()),
        api_key: demo.map(Demo::api_key),
        jwt: demo.map(Demo::jwt),
        phones: None,
        logins: demo.map(Demo::logins).unwrap_or_default(),
    }
}

/// What a newcomer needs: the address, who can sign in, one line to try.
fn greet(ready: &Ready, demo: Option<&Demo>, setup: Option<&str>) {
    let bold = anstyle::Style::new().bold();
    anstream::println!("\n  Bellhop serves at {bold}{}{bold:#}", ready.url);
    if cfg!(debug_assertions) {
        anstream::println!("  (development build: for numbers, build with --release)");
    }
    if let Some(path) = setup {
        anstream::println!(
            "\n  Nobody is an admin yet. Within 30 minutes, open\n    {bold}{}{path}{bold:#}",
            ready.url
        );
    }
    if let Some(demo) = demo {
        anstream::println!("\n  Sign in as");
        // Not those of the ready file, which may be kept secret there.
        let logins = demo.logins();
        for login in &logins {
            let password = login
                .password
                .as_ref()
                .map_or("", ExposeSecret::expose_secret);
            anstream::println!(
                "    {:<22} {password}  {}",
                login.name,
                login.roles.join(", ")
            );
        }
        let first = logins.first().map_or("", |login| login.user.as_str());
        anstream::println!(
            "\n  Publish a notification to {first}\n    curl -s {}/api/v1/notifications -H \
             'Authorization: Bearer {}' -H 'Content-Type: application/json' -d \
             '{{\"kind\":\"NewTask\",\"title\":\"Hello from curl\",\"audience\":{{\"users\":[\"{first}\"]}}}}'",
            ready.url,
            demo.api_key().expose_secret(),
        );
    }
    if let Some(phones) = &ready.phones {
        anstream::println!(
            "\n  What phones show of it, if nobody is there: {bold}{phones}{bold:#}"
        );
    }
    anstream::println!();
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
