//! Who sends: RFC 8292, checked in full.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::refusal::{Fault, Refusal};
use crate::push::web::subject::Subject;

/// Seconds a token may be good for at most.
const LONGEST: i64 = 24 * 3600;

#[derive(Deserialize)]
struct Claims {
    aud: String,
    exp: i64,
    sub: String,
}

/// Checks the header's value; answers the key that signed. `origin` is the service's own, `bound` the
/// key that the browser subscribed with.
pub(super) fn check(
    value: Option<&str>,
    origin: &str,
    bound: Option<&str>,
    now: Timestamp,
) -> Result<String, Refusal> {
    let no = |why| Refusal(Fault::Auth, why);
    let rest = value
        .and_then(|value| value.strip_prefix("vapid "))
        .ok_or(no("the Authorization is not vapid"))?;
    let part = |name: &str| {
        rest.split(',')
            .find_map(|part| part.trim().strip_prefix(name))
    };
    let token = part("t=").ok_or(no("t is missing"))?;
    let key = part("k=").ok_or(no("k is missing"))?;
    let point = BASE64.decode(key).map_err(|_| no("k is not base64url"))?;
    let (Some(4), 65) = (point.first(), point.len()) else {
        return Err(no("k is no public key of 65 bytes"));
    };
    if bound.is_some_and(|bound| bound != key) {
        return Err(no("k is not the key of the subscription"));
    }
    let public = DecodingKey::from_ec_der(&point);
    let (message, signature) = token.rsplit_once('.').ok_or(no("t is not a JWT"))?;
    let good =
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &public, Algorithm::ES256);
    if !good.is_ok_and(|good| good) {
        return Err(no("the signature is not of k"));
    }
    let (_, payload) = message.split_once('.').ok_or(no("t is not a JWT"))?;
    let payload = BASE64.decode(payload).map_err(|_| no("t is padded"))?;
    let claims: Claims =
        serde_json::from_slice(&payload).map_err(|_| no("aud, exp or sub is missing"))?;
    if claims.aud != origin {
        return Err(no("aud is not the origin of the endpoint"));
    }
    let left = claims.exp - now.as_second();
    if !(1..=LONGEST).contains(&left) {
        return Err(no("exp is not within the next 24 hours"));
    }
    if claims.sub.parse::<Subject>().is_err() {
        return Err(no("sub is nobody's address"));
    }
    Ok(key.to_owned())
}
