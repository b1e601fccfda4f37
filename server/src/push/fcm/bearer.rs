//! Access tokens of Google: an assertion signed by the service account's key for a token of an hour
//! (RFC 7523).
//!
//! One flight: whoever needs a new token while one is fetched waits for that one. It is renewed five
//! minutes early by one send while the others use the old one; when that fails, the old one stays.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::{StatusCode, header};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::super::answer::{Answer, SOONEST, no_answer};
use super::super::outcome::{Outcome, bounded};
use super::account::Account;
use crate::support::clock::Clock;

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Seconds an assertion is good for; Google's limit is an hour after `iat`.
const ASSERTION: i64 = 3595;
/// `iat` lies so many seconds back: a clock a little ahead would be refused.
const BACKDATED: i64 = 30;
/// A token is renewed when so many seconds are left, or half of its life when that is less.
const EARLY: i64 = 300;
/// After a renewal failed the next is tried so many seconds later.
const AGAIN: i64 = 10;

pub(super) struct Bearers {
    account: Account,
    http: reqwest::Client,
    clock: Clock,
    /// Written by whoever holds `flight`, read by all.
    current: ArcSwapOption<Bearer>,
    /// When a renewal last failed.
    flight: Mutex<Option<Timestamp>>,
}

struct Bearer {
    token: SecretString,
    renew: Timestamp,
    until: Timestamp,
}

/// No token.
pub(super) enum BearerError {
    /// Later, not before so long.
    Retry(Duration, String),
    /// Not before an operator acts.
    Refused(String),
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: i64,
}

impl Bearers {
    pub(super) fn new(account: Account, http: reqwest::Client, clock: Clock) -> Self {
        Self {
            account,
            http,
            clock,
            current: ArcSwapOption::empty(),
            flight: Mutex::default(),
        }
    }

    /// A token that is good now.
    pub(super) async fn current(&self) -> Result<SecretString, BearerError> {
        let now = self.clock.now();
        let held = self.held(now);
        match held {
            Some(held) if now < held.renew => Ok(held.token.clone()),
            Some(held) => {
                // Somebody else renews already: the old one is good until they are done.
                let Ok(mut failed) = self.flight.try_lock() else {
                    return Ok(held.token.clone());
                };
                let soon = |at: Timestamp| now.as_second() - at.as_second() < AGAIN;
                if failed.is_some_and(soon) {
                    return Ok(held.token.clone());
                }
                match self.fetch().await {
                    Ok(token) => {
                        *failed = None;
                        Ok(token)
                    }
                    Err(error) => {
                        *failed = Some(now);
                        let (BearerError::Refused(words) | BearerError::Retry(_, words)) = error;
                        tracing::warn!(
                            until = %held.until,
                            "the access token for Firebase could not be renewed, the old one stays: {words}"
                        );
                        Ok(held.token.clone())
                    }
                }
            }
            None => {
                let _flight = self.flight.lock().await;
                match self.held(self.clock.now()) {
                    Some(fetched) => Ok(fetched.token.clone()),
                    None => self.fetch().await,
                }
            }
        }
    }

    /// A token other than this one, which was refused.
    pub(super) async fn other_than(
        &self,
        refused: &SecretString,
    ) -> Result<SecretString, BearerError> {
        let _flight = self.flight.lock().await;
        match self.held(self.clock.now()) {
            Some(held) if held.token.expose_secret() != refused.expose_secret() => {
                Ok(held.token.clone())
            }
            _ => {
                self.current.store(None);
                self.fetch().await
            }
        }
    }

    fn held(&self, now: Timestamp) -> Option<Arc<Bearer>> {
        self.current.load_full().filter(|held| now < held.until)
    }

    async fn fetch(&self) -> Result<SecretString, BearerError> {
        let now = self.clock.now();
        let assertion = self.assertion(now).map_err(|error| {
            BearerError::Refused(format!("the private key does not sign: {error}"))
        })?;
        let request = self
            .http
            .post(self.account.token_uri().clone())
            .form(&[("grant_type", GRANT), ("assertion", &assertion)]);
        let answer = match Answer::of(request).await {
            Ok(answer) => answer,
            Err(error) => {
                let verdict = no_answer(error);
                let wait = match verdict.outcome {
                    Outcome::RetryAfter(wait) => wait,
                    _ => SOONEST,
                };
                return Err(BearerError::Retry(wait, verdict.detail));
            }
        };
        if answer.status == StatusCode::OK
            && let Ok(granted) = serde_json::from_slice::<Granted>(&answer.body)
        {
            let life = granted.expires_in.clamp(1, 24 * 3600);
            let after = |seconds| now + jiff::SignedDuration::from_secs(seconds);
            self.current.store(Some(Arc::new(Bearer {
                token: granted.access_token.clone(),
                renew: after(life - EARLY.min(life / 2)),
                until: after(life),
            })));
            return Ok(granted.access_token);
        }
        Err(refusal(&answer, now))
    }

    fn assertion(&self, now: Timestamp) -> jsonwebtoken::errors::Result<String> {
        let iat = now.as_second() - BACKDATED;
        let claims = Claims {
            iss: self.account.email(),
            scope: SCOPE,
            aud: self.account.token_uri().as_str(),
            iat,
            exp: iat + ASSERTION,
        };
        let mut header = Header::new(Algorithm::RS256);
        header.kid = self.account.key_id().map(str::to_owned);
        jsonwebtoken::encode(&header, &claims, self.account.signing())
    }
}

/// A refused assertion is a wrong key or a wrong clock; both clocks tell which.
fn refusal(answer: &Answer, now: Timestamp) -> BearerError {
    let said = format!("{} {}", answer.status, bounded(&answer.text()));
    let again = answer.status.is_server_error()
        || answer.status == StatusCode::TOO_MANY_REQUESTS
        || answer.status.is_success();
    if again {
        return BearerError::Retry(answer.retry_after(now, SOONEST), said);
    }
    let theirs = answer.header(header::DATE).unwrap_or("unknown");
    let ours = now.strftime("%a, %d %b %Y %H:%M:%S GMT");
    BearerError::Refused(format!(
        "{said} (our clock {ours}, theirs {theirs}; if they agree, the key was revoked: generate \
         a new one)"
    ))
}
