//! All providers, each behind its breaker, its rate and a bound on what is under way.

use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::Semaphore;
use url::Url;

use super::answer::SOONEST;
use super::breaker::{Breaker, Health};
use super::client::PATIENCE;
use super::fcm::account::Account;
use super::fcm::{self, Fcm};
use super::outcome::{Extent, Outcome, Report, Verdict};
use super::rate::Rate;
use super::service::Service;
use super::tally::{Counters, Tally};
use super::web::WebPush;
use super::web::key::VapidKey;
use super::{AllowedHosts, Message, Platform, Provider, Target};
use crate::support::clock::Clock;
use crate::support::config;
use crate::support::ids::Ids;

/// Sends under way to one service at once, and as many again waiting three times over; who comes
/// then is told to come later.
const AT_ONCE: usize = 128;
const WAITING: usize = 3 * AT_ONCE;
/// FCM: messages a second at first and in the end. The quota is 600,000 a minute; a fifth is left
/// for those who share the project.
const FCM_RATE: (u32, u32) = (200, 8_000);
/// The longest that failures in a row make a message wait.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// Sends pushes. Shared; holds no task.
pub struct Pusher {
    fcm: Option<Box<dyn Provider>>,
    web: Option<Box<dyn Provider>>,
    vapid_public: Option<String>,
    hosts: AllowedHosts,
    /// FCM's first, then one for each service of Web Push.
    ways: Vec<Way>,
    clock: Clock,
    ids: Ids,
}

/// What stands between us and one service.
struct Way {
    name: &'static str,
    breaker: Breaker,
    rate: Option<Rate>,
    counters: Counters,
    /// Those who send.
    places: Semaphore,
    /// Those and who waits for a place.
    room: Semaphore,
}

impl Way {
    fn new(name: &'static str, rate: Option<Rate>) -> Self {
        Self {
            name,
            breaker: Breaker::default(),
            rate,
            counters: Counters::default(),
            places: Semaphore::new(AT_ONCE),
            room: Semaphore::new(AT_ONCE + WAITING),
        }
    }

    fn tally(&self) -> Tally {
        let under_way = AT_ONCE - self.places.available_permits();
        self.counters
            .read(self.name, self.breaker.is_open(), under_way)
    }
}

impl Pusher {
    /// Reads the keys that the settings name.
    pub fn open(config: &config::Push, clock: Clock, ids: Ids) -> anyhow::Result<Self> {
        Self::open_with(config, PATIENCE, clock, ids)
    }

    /// With another patience, for tests.
    pub(super) fn open_with(
        config: &config::Push,
        patience: Duration,
        clock: Clock,
        ids: Ids,
    ) -> anyhow::Result<Self> {
        config.check()?;
        let loopback = config.allow_loopback;
        let mut pusher = Self::of(None, None, config.hosts(), clock.clone(), ids.clone());
        if let Some(path) = &config.fcm_key {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("{} (BELLHOP_FCM_KEY) cannot be read", path.display()))?;
            let account = Account::read(&text, loopback)
                .with_context(|| format!("{} (BELLHOP_FCM_KEY)", path.display()))?;
            // A key whose tokens come from a stand-in is good for that stand-in only.
            let base = match (&config.fcm_url, account.stand_in()) {
                (Some(url), _) => url.clone(),
                (None, Some(stand_in)) => stand_in,
                (None, None) => Url::parse(fcm::URL)?,
            };
            tracing::info!(project = account.project(), %base, "push by FCM");
            pusher.fcm = Some(Box::new(Fcm::new(
                account,
                &base,
                loopback,
                patience,
                clock.clone(),
            )?));
        }
        if let (Some(path), Some(subject)) = (&config.vapid_key, &config.vapid_subject) {
            let text = std::fs::read_to_string(path).with_context(|| {
                format!("{} (BELLHOP_VAPID_KEY) cannot be read", path.display())
            })?;
            let key = VapidKey::read(&text)
                .with_context(|| format!("{} (BELLHOP_VAPID_KEY)", path.display()))?;
            pusher.vapid_public = Some(key.public().to_owned());
            tracing::info!(key = key.public(), %subject, "push by Web Push");
            let web = WebPush::new(key, subject.clone(), loopback, patience, ids, clock)?;
            pusher.web = Some(Box::new(web));
        }
        Ok(pusher)
    }

    /// Of these providers; a missing one is not configured.
    #[must_use]
    pub fn of(
        fcm: Option<Box<dyn Provider>>,
        web: Option<Box<dyn Provider>>,
        hosts: AllowedHosts,
        clock: Clock,
        ids: Ids,
    ) -> Self {
        let (from, to) = FCM_RATE;
        let fcm_way = Way::new("fcm", Some(Rate::new(from, to)));
        let web_ways = Service::ALL.map(|service| Way::new(service.name(), None));
        Self {
            fcm,
            web,
            vapid_public: None,
            hosts,
            ways: std::iter::once(fcm_way).chain(web_ways).collect(),
            clock,
            ids,
        }
    }

    /// Is there a key for devices of this kind?
    #[must_use]
    pub fn is_configured(&self, platform: Platform) -> bool {
        self.provider(platform).is_some()
    }

    /// What a browser's `applicationServerKey` has to be, base64url; `None` without a VAPID key.
    #[must_use]
    pub fn vapid_public_key(&self) -> Option<&str> {
        self.vapid_public.as_deref()
    }

    /// What registrations are held against.
    #[must_use]
    pub fn hosts(&self) -> &AllowedHosts {
        &self.hosts
    }

    /// The numbers of each service.
    pub fn tally(&self) -> impl Iterator<Item = Tally> {
        self.ways.iter().map(Way::tally)
    }

    /// One try. Also when nothing was sent there is a report: the service is down, or too much is
    /// under way.
    pub async fn send(&self, target: &Target, message: &Message) -> Report {
        let platform = target.platform();
        let Some(provider) = self.provider(platform) else {
            let setting = match platform {
                Platform::Fcm => "--fcm-key",
                Platform::Web => "--vapid-key and --vapid-subject",
            };
            let why = format!("no key for {}: set {setting}", platform.as_str());
            let verdict = Verdict::of_device(Outcome::Misconfigured(why), "not sent");
            return verdict.report(platform.as_str(), &[], Duration::ZERO);
        };
        let way = self.way(target);
        let held_back = |wait: Duration, why: &str| {
            way.counters.held_back();
            let verdict =
                Verdict::of_service(Outcome::RetryAfter(wait), format!("not sent: {why}"));
            verdict.report(platform.as_str(), &[], Duration::ZERO)
        };
        let (Ok(_room), place) = (way.room.try_acquire(), way.places.acquire()) else {
            return held_back(self.spread(SOONEST), "too many are under way already");
        };
        let _place = place.await;
        if let Err(wait) = way.breaker.admit(self.clock.now()) {
            let why = format!("{} does not work, or asked for a pause", way.name);
            return held_back(self.spread(wait), &why);
        }
        if let Some(Err(wait)) = way.rate.as_ref().map(|rate| rate.take(self.clock.now())) {
            return held_back(self.spread(wait), "the rate is reached");
        }
        let mut report = provider.send(target, message).await;
        let failures =
            health(&report).map_or(0, |health| way.breaker.record(health, self.clock.now()));
        if let (Some(rate), Some(429), Extent::Service) = (&way.rate, report.status, report.extent)
        {
            rate.restart();
        }
        if let Outcome::RetryAfter(wait) = &mut report.outcome {
            // A service that fails again and again is left alone for longer than it asks.
            let backoff = SOONEST.saturating_mul(1 << failures.saturating_sub(1).min(10));
            let least = if failures > 0 {
                backoff.min(LONGEST_WAIT)
            } else {
                Duration::ZERO
            };
            *wait = self.spread((*wait).max(least));
        }
        way.counters.sent(&report.outcome);
        if let Outcome::Misconfigured(why) = &report.outcome {
            let device = target.fingerprint();
            match report.extent {
                Extent::Service => tracing::error!(%device, "push is misconfigured: {why}"),
                // As often as there are such devices.
                Extent::Device => tracing::warn!(%device, "push to one device: {why}"),
            }
        }
        report
    }

    fn provider(&self, platform: Platform) -> Option<&dyn Provider> {
        match platform {
            Platform::Fcm => self.fcm.as_deref(),
            Platform::Web => self.web.as_deref(),
        }
    }

    fn way(&self, target: &Target) -> &Way {
        let place = match target {
            Target::Fcm { .. } => 0,
            Target::Web(subscription) => {
                let mut all = Service::ALL.into_iter();
                1 + all
                    .position(|service| service == subscription.service())
                    .unwrap_or(0)
            }
        };
        &self.ways[place]
    }

    /// Up to a fifth more, so that what failed together does not come back together.
    fn spread(&self, wait: Duration) -> Duration {
        let [dice] = self.ids.bytes::<1>();
        wait + wait.mul_f64(f64::from(dice) / 255.0 / 5.0)
    }
}

/// What a report shows of the service; `None`: it was not asked.
fn health(report: &Report) -> Option<Health> {
    match (&report.outcome, report.extent) {
        (Outcome::RetryAfter(pause), Extent::Service) if report.status == Some(429) => {
            Some(Health::Asks(*pause))
        }
        (Outcome::RetryAfter(_) | Outcome::Misconfigured(_), Extent::Service) => {
            Some(Health::Fails)
        }
        _ => report.status.map(|_| Health::Works),
    }
}
