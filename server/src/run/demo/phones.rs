//! The demo's phones: stand-ins of the push services in this process, and devices of a few people behind them, so
//! that a push can be seen, tapped and taken back without Google, Apple and a phone.
//!
//! Only beside demo data, on loopback, and where the operator has named no keys of their own. The key that browsers
//! are bound to is kept in the data folder; the devices are made anew at each start.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::Demo;
use crate::auth::device_key;
use crate::devpush::{Account, App, Browser, DevPush};
use crate::push::{Pusher, Target};
use crate::run::{Parts, listen};
use crate::store::{devices, directory, push as store};

/// Where the page of phones is looked for first.
const PORT: u16 = 7430;
/// Who answers for the demo's pushes: nobody, and nothing leaves this machine but what a real browser subscribes to.
const SUBJECT: &str = "mailto:demo@example.com";

/// Whose, and what.
const DEVICES: [(&str, &str, Kind); 4] = [
    ("amara", "Amara's phone", Kind::Phone),
    ("kwabena", "Kwabena's phone", Kind::Phone),
    ("kwabena", "Kwabena's tablet", Kind::Browser(Browser::Apple)),
    ("tom", "Tom's phone", Kind::Browser(Browser::Chrome)),
];

#[derive(Clone, Copy)]
enum Kind {
    Phone,
    Browser(Browser),
}

/// The stand-ins, listening.
pub struct DemoPhones {
    stand_ins: DevPush,
    address: SocketAddr,
    /// Sends to them, and to real browsers that subscribe.
    pub pusher: Arc<Pusher>,
}

impl DemoPhones {
    /// Starts the stand-ins; `None` where the operator pushes by keys of their own.
    pub async fn open(parts: &Parts) -> anyhow::Result<Option<Self>> {
        let mut push = parts.config.push.clone();
        if push.fcm_key.is_some() || push.vapid_key.is_some() {
            return Ok(None);
        }
        // A server that takes any port is one of several: its phones do the same.
        let port = if parts.config.http.port == 0 { 0 } else { PORT };
        let listener = listen::listen(Ipv4Addr::LOCALHOST.into(), port)?;
        let address = listener.local_addr()?;
        let account = tokio::task::spawn_blocking(Account::make).await??;
        let stand_ins = DevPush::new(address, account, parts.clock.clone(), parts.ids.clone());
        let folder = parts.config.database.data.join("devpush");
        let keys = stand_ins
            .write_keys(&folder)
            .with_context(|| format!("no keys can be written to {}", folder.display()))?;
        push.fcm_key = Some(keys.fcm);
        push.vapid_key = Some(keys.vapid);
        push.vapid_subject = Some(SUBJECT.parse().context("the demo's subject")?);
        push.allow_loopback = true;
        let pusher = Pusher::open(&push, parts.clock.clone(), parts.ids.clone())?;
        serve(&stand_ins, listener, parts);
        Ok(Some(Self {
            stand_ins,
            address,
            pusher: Arc::new(pusher),
        }))
    }

    /// Where the page is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes the devices and registers them, as their apps would; `site`: where they acknowledge.
    pub async fn register(&self, parts: &Parts, demo: &Demo, site: &str) -> anyhow::Result<()> {
        let acks: url::Url = format!("{site}/api/v1/acks").parse()?;
        let mut tx = parts.pool.begin().await?;
        let tenant = directory::tenant(&mut tx, demo.tenant()).await?;
        let tenant = tenant.context("the demo's tenant is gone")?;
        for (key, name, kind) in DEVICES {
            let Some(person) = directory::user(&mut tx, tenant, key).await? else {
                continue; // an operator may have removed them
            };
            let made = match kind {
                Kind::Phone => Some(self.stand_ins.phone(name)),
                Kind::Browser(browser) => {
                    let own = self.pusher.vapid_public_key();
                    self.stand_ins.browser(name, browser, own)
                }
            };
            let made = made.context("no random bytes")?;
            let text = &made.token_or_subscription;
            let target = Target::parse(made.platform, text, self.pusher.hosts())?;
            let device = format!("demo-{}", made.platform);
            let now = parts.clock.now();
            let arrival = devices::Arrival {
                tenant,
                user: person.id,
                key: device.clone(),
                agent: "demo".to_owned(),
                ..devices::Arrival::default()
            };
            devices::seen(&mut tx, &[arrival], now).await?;
            let minted = device_key::mint(&parts.ids);
            let row = store::Registration {
                tenant,
                user: person.id,
                device: &device,
                platform: made.platform,
                token: text,
                token_hash: &target.hash(),
                key_hash: &minted.hash,
            };
            store::register(&mut tx, &row, now).await?;
            let app = App {
                acks: acks.clone(),
                credential: minted.text,
            };
            self.stand_ins.install(&made.id, app);
        }
        tx.commit().await?;
        Ok(())
    }
}

fn serve(stand_ins: &DevPush, listener: TcpListener, parts: &Parts) {
    let task = stand_ins.clone().serve(listener, parts.life.clone());
    parts.life.spawn("demo phones", task);
}
