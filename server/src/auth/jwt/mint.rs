//! Minting with a configured HS key: for the `token` command and for tests. A production issuer is
//! the customer's own system.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use super::keys::KeyConfig;

/// What the token shall say. Empty options are left out.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub tenant: Option<String>,
    pub service: Option<String>,
    pub user: Option<String>,
    pub device: Option<String>,
    pub scopes: Vec<String>,
    /// Seconds from now.
    pub lifetime: i64,
}

/// Signs with an HS key of the settings; `None` when it is a public key, which cannot sign.
pub fn mint(
    key: &KeyConfig,
    wanted: &Wanted,
    now: Timestamp,
) -> Option<jsonwebtoken::errors::Result<String>> {
    let secret = match key.alg {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => key.secret.as_ref()?,
        _ => return None,
    };
    let mut claims = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            claims.insert(name.to_owned(), value);
        }
    };
    put("iss", Some(key.issuer.clone().into()));
    put("aud", Some(key.audience.clone().into()));
    put("iat", Some(now.as_second().into()));
    put("exp", Some((now.as_second() + wanted.lifetime).into()));
    put(&key.claims.tenant, wanted.tenant.clone().map(Value::from));
    put(&key.claims.service, wanted.service.clone().map(Value::from));
    put(&key.claims.user, wanted.user.clone().map(Value::from));
    put(&key.claims.device, wanted.device.clone().map(Value::from));
    if !wanted.scopes.is_empty() {
        put(&key.claims.scope, Some(wanted.scopes.join(" ").into()));
    }
    let mut header = Header::new(key.alg);
    header.kid.clone_from(&key.kid);
    let encoding = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    Some(jsonwebtoken::encode(&header, &claims, &encoding))
}
