//! What the stand-ins know, under one lock.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::app::App;
use super::device::{Device, Kind};
use super::script::Step;
use crate::support::clock::Clock;
use crate::support::ids::Ids;

/// Devices at most; the oldest go.
const MOST_DEVICES: usize = 200;

pub(super) struct State {
    pub(super) address: SocketAddr,
    pub(super) account: Account,
    pub(super) ids: Ids,
    clock: Clock,
    /// Seconds that the services' clock is ahead of the machine's.
    ahead: AtomicI64,
    pub(super) counters: Counters,
    pub(super) held: Mutex<Held>,
}

/// What changes.
#[derive(Default)]
pub(super) struct Held {
    /// By id; ids are made in order.
    pub(super) devices: BTreeMap<String, Device>,
    /// Access tokens and when they end.
    pub(super) bearers: HashMap<String, Timestamp>,
    pub(super) settings: Settings,
    /// Next answers of the token endpoint.
    pub(super) token_script: VecDeque<Step>,
    made: u32,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Settings {
    /// Life of an access token.
    pub(super) bearer_seconds: u32,
    /// How long a send takes: usually, and every hundredth.
    pub(super) p50_ms: u64,
    pub(super) p99_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bearer_seconds: 3599,
            p50_ms: 0,
            p99_ms: 0,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connections: AtomicU64,
    pub(super) sends: AtomicU64,
    pub(super) tokens: AtomicU64,
    /// Assertions whose parts were padded, which Google tolerates.
    pub(super) padded: AtomicU64,
    pub(super) http1: AtomicU64,
}

impl State {
    pub(super) fn new(address: SocketAddr, account: Account, clock: Clock, ids: Ids) -> Self {
        Self {
            address,
            account,
            ids,
            clock,
            ahead: AtomicI64::new(0),
            counters: Counters::default(),
            held: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed));
        self.clock
            .now()
            .saturating_add(ahead)
            .unwrap_or(Timestamp::MAX)
    }

    pub(super) fn set_ahead(&self, seconds: i64) {
        self.ahead.store(seconds, Ordering::Relaxed);
    }

    pub(super) fn connected(&self) {
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn token_uri(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// Adds a device of this kind; answers its id.
    pub(super) fn add(
        &self,
        name: Option<String>,
        kind: impl FnOnce(&str) -> Option<Kind>,
    ) -> Option<String> {
        let mut held = self.held.lock();
        held.made += 1;
        let id = format!("device-{:04}", held.made);
        let kind = kind(&id)?;
        let name = name.unwrap_or_else(|| id.clone());
        held.devices
            .insert(id.clone(), Device::new(id.clone(), name, kind));
        if held.devices.len() > MOST_DEVICES {
            held.devices.pop_first();
        }
        Some(id)
    }

    /// Gives a device an app that acknowledges; `false`: no such device.
    pub(super) fn install(&self, id: &str, app: App) -> bool {
        let mut held = self.held.lock();
        let device = held.devices.get_mut(id);
        device.map(|device| device.app = Some(app)).is_some()
    }

    /// How long this send takes.
    pub(super) fn latency(&self) -> u64 {
        let settings = self.held.lock().settings;
        let [dice] = self.ids.bytes::<1>();
        if dice < 3 {
            settings.p99_ms.max(settings.p50_ms)
        } else {
            settings.p50_ms
        }
    }
}
