//! Pusher and stand-ins in one process, on one clock, opened by settings as an operator writes them.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use clap::Parser as _;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::NOW;
use crate::devpush::{Account, DevPush};
use crate::push::web::WebPush;
use crate::push::web::key::VapidKey;
use crate::push::{Pusher, Report, Target};
use crate::support::clock::Clock;
use crate::support::config::Config;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;

/// One key for all tests: making one takes a second.
static ACCOUNT: OnceLock<Account> = OnceLock::new();

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

/// Stops everything when it is dropped.
pub(super) struct Stage {
    pub(super) clock: Clock,
    pub(super) pusher: Pusher,
    pub(super) address: SocketAddr,
    http: reqwest::Client,
    life: Lifecycle,
    folder: TempDir,
}

/// A device behind the stand-ins.
pub(super) struct Device {
    pub(super) id: String,
    pub(super) registration: String,
    pub(super) target: Target,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.life.kill();
    }
}

impl Stage {
    pub(super) async fn new() -> Self {
        Self::with_patience(PATIENCE).await
    }

    pub(super) async fn with_patience(patience: Duration) -> Self {
        let account = ACCOUNT.get_or_init(|| Account::make().unwrap()).clone();
        let clock = Clock::manual(NOW.parse().unwrap());
        let ids = Ids::new(clock.clone());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stand_ins = DevPush::new(address, account, clock.clone(), ids.clone());
        let folder = tempfile::tempdir().unwrap();
        stand_ins.write_keys(folder.path()).unwrap();
        let life = Lifecycle::new();
        life.spawn("stand-ins", stand_ins.serve(listener, life.clone()));
        let pusher = open(&folder, "--push-allow-loopback", patience, &clock).unwrap();
        Self {
            clock,
            pusher,
            address,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            life,
            folder,
        }
    }

    /// Another pusher with the same keys, as other settings make it.
    pub(super) fn pusher_with(&self, args: &str) -> anyhow::Result<Pusher> {
        open(&self.folder, args, PATIENCE, &self.clock)
    }

    /// One that no settings gave a key.
    pub(super) fn pusher_without_keys(&self) -> Pusher {
        let ids = Ids::new(self.clock.clone());
        let hosts = self.pusher.hosts().clone();
        Pusher::of(None, None, hosts, self.clock.clone(), ids)
    }

    /// Web Push as it is without the switch for stand-ins.
    pub(super) fn web_push_of_production(&self) -> WebPush {
        let text = std::fs::read_to_string(self.folder.path().join("vapid.pem")).unwrap();
        let key = VapidKey::read(&text).unwrap();
        let subject = "mailto:push@acme.com".parse().unwrap();
        let ids = Ids::new(self.clock.clone());
        WebPush::new(key, subject, false, PATIENCE, ids, self.clock.clone()).unwrap()
    }

    pub(super) async fn phone(&self) -> Device {
        self.make(json!({"platform": "fcm"})).await
    }

    /// A browser that subscribed with our key.
    pub(super) async fn browser(&self, browser: &str) -> Device {
        let key = self.pusher.vapid_public_key();
        self.make(json!({"platform": "webpush", "browser": browser, "applicationServerKey": key}))
            .await
    }

    async fn make(&self, wanted: Value) -> Device {
        let made = self.post("/devices", wanted).await;
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let registration = text("tokenOrSubscription");
        let hosts = self.pusher.hosts();
        Device {
            id: text("id"),
            target: Target::parse(&text("platform"), &registration, hosts).unwrap(),
            registration,
        }
    }

    /// A question of now.
    pub(super) async fn send(&self, device: &Device) -> Report {
        let mut message = super::message();
        message.deadline = self.clock.now() + SignedDuration::from_mins(10);
        self.pusher.send(&device.target, &message).await
    }

    /// What the device's next sends are answered.
    pub(super) async fn script(&self, device: &Device, steps: Value) {
        self.post(&format!("/devices/{}/script", device.id), steps)
            .await;
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Value {
        let url = format!("http://{}{path}", self.address);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        answer.json().await.unwrap_or_default()
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let url = format!("http://{}{path}", self.address);
        let answer = self.http.get(url).send().await.unwrap();
        answer.json().await.unwrap()
    }

    pub(super) async fn look(&self, device: &Device) -> Value {
        self.get(&format!("/devices/{}", device.id)).await
    }

    /// Titles on the device's screen.
    pub(super) async fn screen(&self, device: &Device) -> Vec<String> {
        let look = self.look(device).await;
        let cards = look["screen"].as_array().unwrap().clone();
        let title = |card: &Value| card["title"].as_str().unwrap().to_owned();
        cards.iter().map(title).collect()
    }

    pub(super) async fn uninstall(&self, device: &Device) {
        let url = format!("http://{}/devices/{}", self.address, device.id);
        self.http.delete(url).send().await.unwrap();
    }

    /// A counter of the stand-ins.
    pub(super) async fn count(&self, name: &str) -> u64 {
        self.get("/state").await[name].as_u64().unwrap()
    }
}

fn open(folder: &TempDir, args: &str, patience: Duration, clock: &Clock) -> anyhow::Result<Pusher> {
    let at = folder.path().display();
    let mut line = format!(
        "bellhop --pg-bin=/pg --fcm-key={at}/fcm.json --vapid-key={at}/vapid.pem \
         --vapid-subject=mailto:push@acme.com"
    );
    write!(line, " {args}").unwrap();
    let config = Cli::try_parse_from(line.split_whitespace()).unwrap().config;
    Pusher::open_with(
        &config.push,
        patience,
        clock.clone(),
        Ids::new(clock.clone()),
    )
}
