//! Firebase Cloud Messaging, HTTP v1: one POST a message, as many as wanted on one HTTP/2 connection.
//!
//! A question is notification and data, so that the system draws it whatever the app does; a
//! withdrawal is data alone, which the app carries out. No collapse key: of those a device gets twenty
//! and then one in three minutes, and a withdrawal would wait behind them. Android replaces by tag.

pub mod account;
mod bearer;
mod body;
mod mismatch;
mod verdict;

use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use self::account::Account;
use self::bearer::{BearerError, Bearers};
use self::mismatch::Mismatches;
use super::answer::{Answer, no_answer};
use super::client::{Wanted, client};
use super::outcome::{Outcome, Report, Verdict};
use super::{Boxed, Message, Platform, Provider, Target};
use crate::support::clock::Clock;

/// Where Google listens.
pub const URL: &str = "https://fcm.googleapis.com";

/// Writes to phones.
pub struct Fcm {
    http: reqwest::Client,
    send: Url,
    bearers: Bearers,
    mismatches: Mismatches,
    clock: Clock,
}

impl Fcm {
    /// As this account, at `base` (no path). `loopback`: both may be on this machine, without TLS.
    pub fn new(
        account: Account,
        base: &Url,
        loopback: bool,
        patience: Duration,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let http = client(Wanted {
            patience,
            strangers: false,
            loopback,
            prior_knowledge: base.scheme() == "http",
        })?;
        let mut send = base.clone();
        send.set_path(&format!("/v1/projects/{}/messages:send", account.project()));
        Ok(Self {
            bearers: Bearers::new(account, http.clone(), clock.clone()),
            http,
            send,
            mismatches: Mismatches::default(),
            clock,
        })
    }

    async fn try_once(&self, token: &SecretString, message: &Message) -> Verdict {
        let now = self.clock.now();
        let Some(ttl) = message.time_to_live(now) else {
            let why = "its deadline has passed".to_owned();
            return Verdict::of_device(Outcome::Refused(why), "not sent");
        };
        let Some(body) = body::of(token.expose_secret(), message, ttl, now) else {
            let why = "it is too long for a push, even without body and data".to_owned();
            return Verdict::of_device(Outcome::Refused(why), "not sent");
        };
        let mut bearer = match self.bearers.current().await {
            Ok(bearer) => bearer,
            Err(error) => return error.verdict(),
        };
        let mut renewed = false;
        loop {
            let request = self
                .http
                .post(self.send.clone())
                .bearer_auth(bearer.expose_secret())
                .header(http::header::CONTENT_TYPE, "application/json")
                .body(body.clone());
            let answer = match Answer::of(request).await {
                Ok(answer) => answer,
                Err(error) => return no_answer(error),
            };
            let read = verdict::Said::read(&answer);
            if read.bearer_refused() && !renewed {
                renewed = true;
                bearer = match self.bearers.other_than(&bearer).await {
                    Ok(bearer) => bearer,
                    Err(error) => return error.verdict(),
                };
                continue;
            }
            return verdict::of(&answer, &read, &self.mismatches, now).answered(answer.status);
        }
    }
}

impl Provider for Fcm {
    fn send<'a>(&'a self, target: &'a Target, message: &'a Message) -> Boxed<'a, Report> {
        Box::pin(async move {
            let began = Instant::now();
            let (verdict, secret) = match target {
                Target::Fcm { token } => {
                    (self.try_once(token, message).await, token.expose_secret())
                }
                Target::Web(_) => {
                    let why = "not a registration token".to_owned();
                    (Verdict::of_device(Outcome::Refused(why), "not sent"), "")
                }
            };
            verdict.report(Platform::Fcm.as_str(), &[secret], began.elapsed())
        })
    }
}

impl BearerError {
    fn verdict(self) -> Verdict {
        match self {
            Self::Retry(wait, words) => Verdict::of_service(Outcome::RetryAfter(wait), words),
            Self::Refused(words) => {
                let why = format!("no access token for Firebase: {words}");
                Verdict::of_service(Outcome::Misconfigured(why), words)
            }
        }
    }
}
