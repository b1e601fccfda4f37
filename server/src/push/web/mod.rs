//! Web Push: RFC 8030 to the browser's service, sealed (RFC 8291), signed (RFC 8292).
//!
//! No `Topic`: at Chrome's service it is a collapse key, of which a device gets twenty and then one
//! in three minutes, so that a withdrawal may come hours after its notification. The browser replaces
//! by tag instead.

pub mod key;
mod payload;
pub mod subject;
mod vapid;
mod verdict;

use std::time::{Duration, Instant};

use http::header;

use self::key::VapidKey;
use self::subject::Subject;
use self::vapid::Vapid;
use super::answer::{Answer, no_answer};
use super::client::{Wanted, client};
use super::outcome::{Outcome, Report, Verdict};
use super::service::Service;
use super::subscription::Subscription;
use super::{Boxed, Message, Platform, Provider, Purpose, Target, seal};
use crate::support::clock::Clock;
use crate::support::ids::Ids;

/// Writes to browsers.
pub struct WebPush {
    http: reqwest::Client,
    vapid: Vapid,
    clock: Clock,
    ids: Ids,
}

impl WebPush {
    /// With this key, kept by `subject`. `loopback`: stand-ins on this machine are written to.
    pub fn new(
        key: VapidKey,
        subject: Subject,
        loopback: bool,
        patience: Duration,
        ids: Ids,
        clock: Clock,
    ) -> reqwest::Result<Self> {
        Ok(Self {
            http: client(Wanted {
                patience,
                strangers: true,
                loopback,
                prior_knowledge: false,
            })?,
            vapid: Vapid::new(key, subject, clock.clone()),
            clock,
            ids,
        })
    }

    async fn try_once(&self, subscription: &Subscription, message: &Message) -> Verdict {
        let now = self.clock.now();
        let Some(ttl) = message.time_to_live(now) else {
            let why = "its deadline has passed".to_owned();
            return Verdict::of_device(Outcome::Refused(why), "not sent");
        };
        let Some(payload) = payload::of(message, subscription.service()) else {
            let why = "it is too long for a push, even without body and data".to_owned();
            return Verdict::of_device(Outcome::Refused(why), "not sent");
        };
        let sealed = match seal::seal(subscription, &payload, self.ids.bytes()) {
            Ok(sealed) => sealed,
            Err(error) => {
                return Verdict::of_device(Outcome::Refused(error.to_string()), "not sent");
            }
        };
        let signed = match self.vapid.authorization(subscription.endpoint()) {
            Ok(signed) => signed,
            Err(error) => {
                let why = format!("the VAPID key does not sign: {error}");
                return Verdict::of_service(Outcome::Misconfigured(why), "not sent");
            }
        };
        let request = self
            .http
            .post(subscription.endpoint().clone())
            .header(header::AUTHORIZATION, &*signed)
            .header("ttl", ttl.as_secs())
            .header("urgency", urgency(message, subscription.service()))
            .header(header::CONTENT_ENCODING, "aes128gcm")
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(sealed);
        match Answer::of(request).await {
            Ok(answer) => verdict::of(&answer, now).answered(answer.status),
            Err(error) => no_answer(error),
        }
    }
}

/// Apple delivers reliably at `high` only. A withdrawal may wait for power, a question may not.
fn urgency(message: &Message, service: Service) -> &'static str {
    match (message.purpose, service) {
        (Purpose::Notify, Service::Apple) => "high",
        (Purpose::Notify, _) if message.high => "high",
        _ => "normal",
    }
}

impl Provider for WebPush {
    fn send<'a>(&'a self, target: &'a Target, message: &'a Message) -> Boxed<'a, Report> {
        Box::pin(async move {
            let began = Instant::now();
            let (verdict, secrets) = match target {
                Target::Web(subscription) => {
                    let endpoint = subscription.endpoint();
                    // What follows the host is the secret: of Windows the query.
                    let secrets = [endpoint.path(), endpoint.query().unwrap_or_default()];
                    (self.try_once(subscription, message).await, secrets)
                }
                Target::Fcm { .. } => {
                    let why = "not a browser's subscription".to_owned();
                    (
                        Verdict::of_device(Outcome::Refused(why), "not sent"),
                        [""; 2],
                    )
                }
            };
            verdict.report(Platform::Web.as_str(), &secrets, began.elapsed())
        })
    }
}
