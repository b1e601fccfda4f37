//! Phones and browsers to push to: the strict stand-ins of their makers, on a port of their own.

use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};

use clap::Parser as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::devpush::{Account, DevPush, Registered};
use crate::push::Pusher;
use crate::support::clock::Clock;
use crate::support::config::Config;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;

/// One key for all tests: making one takes a second.
static ACCOUNT: OnceLock<Account> = OnceLock::new();

/// A pusher for whom no provider is configured.
pub(crate) fn nobody(clock: &Clock) -> Arc<Pusher> {
    let pusher = Pusher::open(
        &super::config().push,
        clock.clone(),
        Ids::new(clock.clone()),
    );
    Arc::new(pusher.unwrap())
}

/// The stand-ins, and a pusher that is pointed at them.
pub(crate) struct Makers {
    pub(crate) stand_ins: DevPush,
    pub(crate) pusher: Arc<Pusher>,
    life: Lifecycle,
    _folder: TempDir,
}

impl Drop for Makers {
    fn drop(&mut self) {
        self.life.kill();
    }
}

impl Makers {
    pub(crate) async fn open(clock: &Clock) -> Self {
        #[derive(clap::Parser)]
        struct Cli {
            #[command(flatten)]
            config: Config,
        }
        let account = ACCOUNT.get_or_init(|| Account::make().unwrap()).clone();
        let ids = Ids::new(clock.clone());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stand_ins = DevPush::new(address, account, clock.clone(), ids.clone());
        let folder = tempfile::tempdir().unwrap();
        let files = stand_ins.write_keys(folder.path()).unwrap();
        let life = Lifecycle::new();
        life.spawn("stand-ins", stand_ins.clone().serve(listener, life.clone()));
        let config = Cli::parse_from([
            "bellhop".to_owned(),
            "--pg-bin=/nowhere".to_owned(),
            format!("--fcm-key={}", files.fcm.display()),
            format!("--vapid-key={}", files.vapid.display()),
            "--vapid-subject=mailto:push@acme.com".to_owned(),
            "--push-allow-loopback".to_owned(),
        ])
        .config;
        let pusher = Pusher::open(&config.push, clock.clone(), ids).unwrap();
        Self {
            stand_ins,
            pusher: Arc::new(pusher),
            life,
            _folder: folder,
        }
    }

    pub(crate) fn phone(&self) -> Registered {
        self.stand_ins.phone("phone")
    }

    pub(crate) fn script(&self, phone: &Registered, steps: Value) {
        assert!(self.stand_ins.script(&phone.id, steps).unwrap());
    }

    /// Titles on the device's screen.
    pub(crate) fn screen(&self, phone: &Registered) -> Vec<String> {
        let look = self.stand_ins.look(&phone.id).unwrap();
        let cards = look["screen"].as_array().unwrap().iter();
        cards
            .map(|card| card["title"].as_str().unwrap().to_owned())
            .collect()
    }

    /// How many messages the device was sent.
    pub(crate) fn received(&self, phone: &Registered) -> usize {
        let look = self.stand_ins.look(&phone.id).unwrap_or(json!({}));
        look["received"].as_array().map_or(0, Vec::len)
    }
}
