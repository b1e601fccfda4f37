//! Who we are, to a push service: RFC 8292. One signature a service serves for hours.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header};
use parking_lot::Mutex;
use serde::Serialize;
use url::Url;

use super::key::VapidKey;
use super::subject::Subject;
use crate::support::clock::Clock;

/// Seconds that a token is good for; more than 24 hours is refused.
const LIFETIME: i64 = 12 * 3600;
/// It is made anew when no more than this is left: clocks differ.
const MARGIN: i64 = 3600;
/// Services are few; a client that invents hosts beneath one may not fill the memory.
const MOST: usize = 256;

pub(super) struct Vapid {
    key: VapidKey,
    subject: Subject,
    clock: Clock,
    /// By origin: the header's value and when it ends, in seconds. Written by whoever needs one.
    tokens: Mutex<HashMap<String, (Arc<str>, Timestamp)>>,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: i64,
    sub: &'a str,
}

impl Vapid {
    pub(super) fn new(key: VapidKey, subject: Subject, clock: Clock) -> Self {
        Self {
            key,
            subject,
            clock,
            tokens: Mutex::default(),
        }
    }

    /// The value of `Authorization` for this endpoint.
    pub(super) fn authorization(&self, endpoint: &Url) -> jsonwebtoken::errors::Result<Arc<str>> {
        let now = self.clock.now();
        // With the port when it is not the scheme's own.
        let origin = endpoint.origin().ascii_serialization();
        // Neither about to end nor, after the clock was set back, too far from it: services refuse both.
        let good = MARGIN + 1..=LIFETIME;
        if let Some((value, until)) = self.tokens.lock().get(&origin)
            && good.contains(&(until.as_second() - now.as_second()))
        {
            return Ok(value.clone());
        }
        let exp = now.as_second() + LIFETIME;
        let claims = Claims {
            aud: &origin,
            exp,
            sub: &self.subject.to_string(),
        };
        let token =
            jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, self.key.signing())?;
        let value: Arc<str> = format!("vapid t={token}, k={}", self.key.public()).into();
        let until = Timestamp::from_second(exp).unwrap_or(now);
        let mut tokens = self.tokens.lock();
        if tokens.len() >= MOST {
            tokens.clear();
        }
        tokens.insert(origin, (value.clone(), until));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn one_signature_serves_an_origin_for_eleven_hours() {
        let clock = Clock::manual("2026-11-22T10:00:00Z".parse().unwrap());
        let key = VapidKey::read(VapidKey::make().unwrap().expose_secret()).unwrap();
        let subject = "mailto:push@acme.com".parse().unwrap();
        let vapid = Vapid::new(key, subject, clock.clone());
        let at = |url: &str| vapid.authorization(&url.parse().unwrap()).unwrap();
        let first = at("https://web.push.apple.com/a");
        assert_eq!(first, at("https://web.push.apple.com:443/b"));
        assert_ne!(
            first,
            at("https://web.push.apple.com:8443/a"),
            "another port is another origin"
        );
        clock.advance((11 * 3600 - 1) * 1000);
        assert_eq!(first, at("https://web.push.apple.com/a"));
        clock.advance(2 * 1000);
        assert_ne!(first, at("https://web.push.apple.com/a"));
        let later = at("https://web.push.apple.com/a");
        clock.advance(-13 * 3600 * 1000);
        assert_ne!(
            later,
            at("https://web.push.apple.com/a"),
            "the clock was set back: that one would end in more than a day"
        );
        for port in 1..=MOST {
            at(&format!("https://a.push.apple.com:{port}/"));
        }
        assert!(vapid.tokens.lock().len() <= MOST);
    }
}
