//! A client that stays: it connects, writes down what it gets, acknowledges if that is its manner, and comes back
//! however often it is cut off, with jitter and without end, as the recipes of `docs/clients/javascript.md` do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::events::{Event, Events};
use super::hub::{Gone, Hub, Said};
use super::journal::Journal;
use crate::support::dice::Dice;

/// From the first byte of a connection to its handshake's answer.
const OPEN: Duration = Duration::from_secs(15);
/// The server says something every 15 s: who hears nothing for so long is on a dead line.
const HUB_SILENCE: Duration = Duration::from_secs(30);
const STREAM_SILENCE: Duration = Duration::from_secs(45);
/// Between two pings of ours; the server gives a client that has pinged once 30 s.
const PING: Duration = Duration::from_secs(10);
/// A write that takes longer goes nowhere.
const WRITE: Duration = Duration::from_secs(10);
/// Between two looks at acks that were refused ("Acknowledge again").
const AGAIN: Duration = Duration::from_secs(1);
/// As many ids as one ack may name.
const MOST_IDS: usize = 1_000;

/// Why a connection ended that was cut on purpose.
pub const AS_TOLD: &str = "cut, as told";

/// By which way a client gets its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// SignalR over a WebSocket.
    Hub,
    /// Plain Server-Sent Events; acks over HTTP.
    Stream,
}

/// Who connects, and how.
#[derive(Clone, Debug)]
pub struct Recipient {
    pub user: Arc<str>,
    pub token: SecretString,
    pub device: String,
    pub way: Way,
    /// Whether it acknowledges what it gets. What it does not, only counts as reached.
    pub acks: bool,
}

/// Where all of them connect to.
#[derive(Clone)]
pub struct Server {
    /// Without a slash at the end.
    pub base: String,
    /// The path of the hub, with a slash in front.
    pub hub: String,
    /// For requests.
    pub http: reqwest::Client,
    /// For connections that stay: HTTP/1.1 only, without a timeout for the whole.
    pub wire: reqwest::Client,
}

impl Server {
    /// With clients of its own. A proxy of the environment is asked, except for servers on this machine.
    ///
    /// # Errors
    /// When the TLS of the machine cannot be used.
    pub fn new(base: &str, hub: &str) -> reqwest::Result<Self> {
        let base = base.trim_end_matches('/').to_owned();
        let local = url::Url::parse(&base)
            .ok()
            .is_some_and(|url| match url.host() {
                Some(url::Host::Domain(name)) => name == "localhost",
                Some(url::Host::Ipv4(address)) => address.is_loopback(),
                Some(url::Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            });
        let build = || {
            let builder = reqwest::Client::builder().connect_timeout(Duration::from_secs(10));
            if local { builder.no_proxy() } else { builder }
        };
        Ok(Self {
            base,
            hub: hub.to_owned(),
            http: build().timeout(Duration::from_secs(10)).build()?,
            wire: build().http1_only().pool_max_idle_per_host(0).build()?,
        })
    }
}

/// Why a connection ended.
enum End {
    /// As it was told to.
    Cut,
    Lost(Gone),
}

/// Connects again and again until `stop`; each change of `cut` drops the connection without a word.
pub async fn attend(
    me: Recipient,
    server: Server,
    journal: Arc<Journal>,
    stop: CancellationToken,
    cut: watch::Receiver<u32>,
    mut dice: Dice,
) {
    let mut seat = Seat {
        me,
        server,
        journal,
        cut,
        connection: "".into(),
        cursor: None,
        up: false,
    };
    let (mut number, mut failed) = (0_u32, 0_u32);
    while !stop.is_cancelled() {
        number += 1;
        seat.connection = format!("{}#{number}", seat.me.user).into();
        seat.cut.borrow_and_update();
        let end = tokio::select! {
            () = stop.cancelled() => break,
            end = seat.connection() => end,
        };
        let why = match end {
            End::Cut => AS_TOLD.to_owned(),
            End::Lost(Gone(why)) => why,
        };
        failed = if seat.up { 0 } else { (failed + 1).min(6) };
        seat.up = false;
        seat.journal.turn(&seat.me.user, Some(why));
        let pause = dice.between(0, 500 << failed);
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep(Duration::from_millis(pause.unsigned_abs())) => {}
        }
    }
}

/// A client between its connections.
struct Seat {
    me: Recipient,
    server: Server,
    journal: Arc<Journal>,
    cut: watch::Receiver<u32>,
    /// The name of the connection in hand: `user#3`.
    connection: Arc<str>,
    /// Of the event stream: what was read last.
    cursor: Option<String>,
    /// The connection in hand was opened.
    up: bool,
}

impl Seat {
    async fn connection(&mut self) -> End {
        let ended = match self.me.way {
            Way::Hub => self.hub().await,
            Way::Stream => self.stream().await,
        };
        match ended {
            Ok(()) => End::Cut,
            Err(gone) => End::Lost(gone),
        }
    }

    fn opened(&mut self) {
        self.up = true;
        self.journal.turn(&self.me.user, None);
    }

    /// `Ok` when it was cut as told.
    async fn hub(&mut self) -> Result<(), Gone> {
        let Server {
            base, hub, wire, ..
        } = &self.server;
        let url = format!("{base}{hub}?device={}&methods=notification", self.me.device);
        let open = Hub::open(wire, &url, self.me.token.expose_secret());
        let mut hub = timeout(OPEN, open)
            .await
            .map_err(|_| Gone(format!("no connection within {} s", OPEN.as_secs())))??;
        self.opened();
        let mut asked: HashMap<u64, Uuid> = HashMap::new();
        let mut again: Vec<Uuid> = Vec::new();
        let mut ping = interval(PING);
        let mut look = interval(AGAIN);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_word = Instant::now();
        loop {
            tokio::select! {
                said = timeout_at(last_word + HUB_SILENCE, hub.next()) => {
                    let said = said.map_err(|_| Gone(format!("silence for {} s", HUB_SILENCE.as_secs())))??;
                    last_word = Instant::now();
                    match said {
                        Said::Invocation { argument, .. } => {
                            let id = self.journal.hear(&self.me.user, &self.connection, &argument);
                            if let Some(id) = id.filter(|_| self.me.acks) {
                                asked.insert(acknowledge(&mut hub, id).await?, id);
                            }
                        }
                        Said::Completion { call, error } => if let Some(id) = asked.remove(&call) {
                            match error {
                                None => self.journal.ack(&self.me.user, id),
                                Some(_) => again.push(id),
                            }
                        },
                        Said::Ping => {}
                        Said::Close { error } => return Err(Gone(format!("closed by the server: {error:?}"))),
                    }
                }
                _ = ping.tick() => within(hub.ping()).await?,
                _ = look.tick(), if !again.is_empty() => {
                    for id in again.drain(..) {
                        asked.insert(acknowledge(&mut hub, id).await?, id);
                    }
                }
                changed = self.cut.changed() => return changed.map_err(|_| Gone("over".into())),
            }
        }
    }

    /// The same over the event stream.
    async fn stream(&mut self) -> Result<(), Gone> {
        let Server { base, wire, .. } = &self.server;
        let url = format!(
            "{base}/api/v1/stream?device={}&methods=notification",
            self.me.device
        );
        let token = self.me.token.clone();
        let open = Events::open(wire, &url, token.expose_secret(), self.cursor.as_deref());
        let mut events = timeout(OPEN, open)
            .await
            .map_err(|_| Gone(format!("no stream within {} s", OPEN.as_secs())))??;
        self.opened();
        let mut owed: Vec<Uuid> = Vec::new();
        let mut look = interval(AGAIN / 4);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_word = Instant::now();
        loop {
            tokio::select! {
                event = timeout_at(last_word + STREAM_SILENCE, events.next()) => {
                    let event = event.map_err(|_| Gone(format!("silence for {} s", STREAM_SILENCE.as_secs())))??;
                    last_word = Instant::now();
                    self.take(event, &mut owed)?;
                }
                _ = look.tick(), if !owed.is_empty() => self.acknowledge_by_http(&mut owed).await,
                changed = self.cut.changed() => return changed.map_err(|_| Gone("over".into())),
            }
        }
    }

    fn take(&mut self, event: Event, owed: &mut Vec<Uuid>) -> Result<(), Gone> {
        if event.name == "end-of-stream" {
            return Err(Gone(format!("ended by the server: {}", event.data)));
        }
        let id = self
            .journal
            .hear(&self.me.user, &self.connection, &event.data);
        // Only what is written down counts as read.
        if event.id.is_some() {
            self.cursor = event.id;
        }
        if self.me.acks {
            owed.extend(id);
        }
        Ok(())
    }

    /// What is not answered stays owed.
    async fn acknowledge_by_http(&self, owed: &mut Vec<Uuid>) {
        let some = &owed[..owed.len().min(MOST_IDS)];
        let asked = self
            .server
            .http
            .post(format!("{}/api/v1/acks", self.server.base))
            .bearer_auth(self.me.token.expose_secret())
            .json(&json!({"ids": some, "device": self.me.device}))
            .send()
            .await;
        if asked.is_ok_and(|answer| answer.status().is_success()) {
            for id in some {
                self.journal.ack(&self.me.user, *id);
            }
            owed.drain(..owed.len().min(MOST_IDS));
        }
    }
}

async fn acknowledge(hub: &mut Hub, id: Uuid) -> Result<u64, Gone> {
    within(hub.call("AcknowledgeNotification", &json!([id]))).await
}

async fn within<T>(write: impl Future<Output = Result<T, Gone>>) -> Result<T, Gone> {
    timeout(WRITE, write)
        .await
        .map_err(|_| Gone(format!("a write took more than {} s", WRITE.as_secs())))?
}
