//! Tokens we mint ourselves, for the pages of signed-in people: five minutes, for the hub only,
//! and worth nothing once the session they name has ended.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{check_time, claims, names_audience, payload_if_signed};
use crate::auth::fault::Fault;

/// `iss` of our own tokens; no configured key may have it.
pub const ISSUER: &str = "bellhop";
/// `aud` of our own tokens.
pub const AUDIENCE: &str = "hub";
/// How long one lives, in seconds.
pub const LIFETIME: u32 = 300;

/// Signs and checks hub tokens, by the installation's secret: every node takes every node's.
pub struct HubKey {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl std::fmt::Debug for HubKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("HubKey")
    }
}

/// Whom a hub token names, in inner ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubClaims {
    pub tenant: Uuid,
    pub user: Uuid,
    pub session: Uuid,
    pub expires_at: Timestamp,
}

#[derive(Serialize)]
struct Written {
    iss: &'static str,
    aud: &'static str,
    iat: i64,
    exp: i64,
    tid: Uuid,
    sub: Uuid,
    ses: Uuid,
}

impl HubKey {
    /// By the secret in `bellhop.installation`.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
        }
    }

    /// A token that ends [`LIFETIME`] after `now`.
    ///
    /// # Errors
    /// Only when the crypto library fails.
    pub fn mint(
        &self,
        tenant: Uuid,
        user: Uuid,
        session: Uuid,
        now: Timestamp,
    ) -> jsonwebtoken::errors::Result<String> {
        let iat = now.as_second();
        let claims = Written {
            iss: ISSUER,
            aud: AUDIENCE,
            iat,
            exp: iat + i64::from(LIFETIME),
            tid: tenant,
            sub: user,
            ses: session,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
    }

    /// Checks signature, audience and time. Whether the session lives is asked elsewhere.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<HubClaims, Fault> {
        let payload = payload_if_signed(token, Algorithm::HS256, &self.decoding)
            .ok_or(Fault::BadSignature)?;
        if !names_audience(&payload, AUDIENCE) {
            return Err(Fault::WrongAudience);
        }
        check_time(&payload, now)?;
        let exp = claims::seconds(&payload, "exp")?.unwrap_or_default();
        Ok(HubClaims {
            tenant: uuid(&payload, "tid")?,
            user: uuid(&payload, "sub")?,
            session: uuid(&payload, "ses")?,
            expires_at: Timestamp::from_second(exp)
                .map_err(|_| Fault::MalformedToken("its `exp` is out of range"))?,
        })
    }
}

fn uuid(payload: &Map<String, Value>, name: &str) -> Result<Uuid, Fault> {
    payload
        .get(name)
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok())
        .ok_or(Fault::MalformedToken("an id in it is missing"))
}
