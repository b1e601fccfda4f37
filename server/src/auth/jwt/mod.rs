//! JSON Web Tokens: whose key signed this, is it meant for us, is it now, and what does it say.
//!
//! The header of a token chooses nothing but the candidate keys. The algorithm is the key's; `exp`
//! and `nbf` are judged by the passed-in clock (the library would read the machine's).

pub mod claims;
pub mod hub;
pub mod keys;
pub mod mint;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use self::claims::Claims;
use self::keys::{Key, VerificationKeys};
use super::fault::Fault;

/// How far two clocks may be apart, in seconds.
pub const LEEWAY: i64 = 30;

/// No sane token is longer; a parser need not see it.
const LONGEST: usize = 8 * 1024;

/// A token whose signature, audience and time were checked, and the key that vouches for it.
#[derive(Debug)]
pub struct Verified {
    pub key: Arc<Key>,
    pub claims: Claims,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// What an unverified token claims of itself, only to find candidate keys by it.
pub(crate) struct Peek {
    header: Header,
    issuer: String,
}

impl Peek {
    /// Reads header and issuer without believing them.
    pub(crate) fn at(token: &str) -> Result<Self, Fault> {
        if token.len() > LONGEST {
            return Err(Fault::MalformedToken("it is longer than 8 KiB"));
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Fault::MalformedToken("it does not have three parts"));
        };
        let header: Header = part(header)?;
        if header.crit.is_some() {
            return Err(Fault::MalformedToken(
                "it has critical header parameters we do not know",
            ));
        }
        let payload: Map<String, Value> = part(payload)?;
        let Some(Value::String(issuer)) = payload.get("iss") else {
            return Err(Fault::MalformedToken("it has no issuer (`iss`)"));
        };
        Ok(Self {
            header,
            issuer: issuer.clone(),
        })
    }

    /// Did our own server mint it?
    pub(crate) fn is_hub(&self) -> bool {
        self.issuer == hub::ISSUER
    }
}

/// Checks a token of a configured issuer.
pub fn verify(token: &str, keys: &VerificationKeys, now: Timestamp) -> Result<Verified, Fault> {
    verify_peeked(token, &Peek::at(token)?, keys, now)
}

pub(crate) fn verify_peeked(
    token: &str,
    peek: &Peek,
    keys: &VerificationKeys,
    now: Timestamp,
) -> Result<Verified, Fault> {
    let candidates = keys.candidates(&peek.issuer, peek.header.kid.as_deref());
    let mut fault = if keys.knows_issuer(&peek.issuer) {
        Fault::BadSignature
    } else {
        Fault::UnknownIssuer
    };
    for key in candidates {
        if peek.header.alg != key.algorithm_name() {
            continue;
        }
        let Some(payload) = signed_by(token, key) else {
            continue;
        };
        if !names_audience(&payload, &key.audience) {
            fault = Fault::WrongAudience;
            continue;
        }
        check_time(&payload, now)?;
        return Ok(Verified {
            key: Arc::clone(key),
            claims: Claims::read(&payload, &key.claims)?,
        });
    }
    Err(fault)
}

fn signed_by(token: &str, key: &Key) -> Option<Map<String, Value>> {
    payload_if_signed(token, key.algorithm, &key.decoding)
}

/// The payload when the signature is the key's, by the key's own algorithm.
pub(crate) fn payload_if_signed(
    token: &str,
    algorithm: jsonwebtoken::Algorithm,
    key: &jsonwebtoken::DecodingKey,
) -> Option<Map<String, Value>> {
    let (message, signature) = token.rsplit_once('.')?;
    // Only the signature is the library's: issuer, audience and time are checked by us, with
    // codes and a clock of our own.
    let good = jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm);
    if !good.is_ok_and(|good| good) {
        return None;
    }
    let (_, payload) = message.split_once('.')?;
    part(payload).ok()
}

/// `aud` is one text or a list; ours has to be among them.
pub(crate) fn names_audience(payload: &Map<String, Value>, audience: &str) -> bool {
    match payload.get("aud") {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(many)) => many.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

/// `exp` is required, `nbf` is not; both with [`LEEWAY`].
pub(crate) fn check_time(payload: &Map<String, Value>, now: Timestamp) -> Result<(), Fault> {
    let now = now.as_second();
    let exp =
        claims::seconds(payload, "exp")?.ok_or(Fault::MalformedToken("it has no end (`exp`)"))?;
    if exp.saturating_add(LEEWAY) <= now {
        return Err(Fault::ExpiredToken);
    }
    match claims::seconds(payload, "nbf")? {
        Some(nbf) if nbf > now.saturating_add(LEEWAY) => Err(Fault::NotYetValidToken),
        _ => Ok(()),
    }
}

fn part<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Fault> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Fault::MalformedToken("it is not base64url"))?;
    serde_json::from_slice(&bytes).map_err(|_| Fault::MalformedToken("its parts are not JSON"))
}

#[cfg(test)]
mod tests;
