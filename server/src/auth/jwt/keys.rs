//! The keys we accept tokens of, from the settings. Each is bound to an issuer, an audience, and
//! the tenants and services it may name.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::claims::ClaimNames;
use super::hub;
use crate::auth::principal::{Scope, Scopes};

/// One key as it stands in the settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// Key id; a token with a `kid` is held against the key with this one only.
    #[serde(alias = "id", default)]
    pub kid: Option<String>,
    /// HS256, HS384, HS512, RS256.., PS256.., ES256, ES384 or EdDSA.
    pub alg: Algorithm,
    /// For HS: the shared secret, at least 32 bytes.
    #[serde(default)]
    pub secret: Option<SecretString>,
    /// For all others: the public key as PEM.
    #[serde(default)]
    pub pem: Option<String>,
    pub issuer: String,
    pub audience: String,
    /// Tenants its tokens may name: a list, or "*".
    pub tenants: Names,
    /// Services its tokens may name.
    #[serde(default)]
    pub services: Names,
    /// Whether `departments` and `roles` in its tokens count.
    #[serde(default)]
    pub authoritative: bool,
    /// Scopes that tokens naming no user may carry. Empty: every token must name a user.
    #[serde(default)]
    pub scopes: Vec<Scope>,
    #[serde(default)]
    pub claims: ClaimNames,
}

/// Which outer ids are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Names {
    #[default]
    All,
    These(Vec<String>),
}

impl Names {
    /// Is this one meant?
    #[must_use]
    pub fn contain(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.iter().any(|one| one == name),
        }
    }

    /// The one meant when there is just one: a token need not name it then.
    #[must_use]
    pub fn only(&self) -> Option<&str> {
        match self {
            Self::These(names) if names.len() == 1 => names.first().map(String::as_str),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Star(String),
            List(Vec<String>),
        }
        match Written::deserialize(reader)? {
            Written::Star(star) if star == "*" => Ok(Self::All),
            Written::Star(_) => Err(serde::de::Error::custom("write \"*\" or a list of ids")),
            Written::List(names) => Ok(Self::These(names)),
        }
    }
}

/// A key ready for use.
pub struct Key {
    pub kid: Option<String>,
    pub algorithm: Algorithm,
    pub decoding: DecodingKey,
    pub issuer: String,
    pub audience: String,
    pub tenants: Names,
    pub services: Names,
    pub authoritative: bool,
    pub scopes: Scopes,
    pub claims: ClaimNames,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Key")
            .field("kid", &self.kid)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl Key {
    /// As the header of a token writes it.
    #[must_use]
    pub fn algorithm_name(&self) -> &'static str {
        algorithm_name(self.algorithm)
    }
}

fn algorithm_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::HS256 => "HS256",
        Algorithm::HS384 => "HS384",
        Algorithm::HS512 => "HS512",
        Algorithm::ES256 => "ES256",
        Algorithm::ES384 => "ES384",
        Algorithm::RS256 => "RS256",
        Algorithm::RS384 => "RS384",
        Algorithm::RS512 => "RS512",
        Algorithm::PS256 => "PS256",
        Algorithm::PS384 => "PS384",
        Algorithm::PS512 => "PS512",
        Algorithm::EdDSA => "EdDSA",
        _ => "unsupported",
    }
}

/// Why the settings were refused.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the verification keys are not valid: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("verification key {0}: {1}")]
    Refused(String, &'static str),
}

/// All keys we accept tokens of.
#[derive(Clone, Debug, Default)]
pub struct VerificationKeys(Arc<[Arc<Key>]>);

impl VerificationKeys {
    /// From JSON text: a list of keys, or `{"keys": [...]}`.
    pub fn from_json(text: &str) -> Result<Self, KeyError> {
        Self::new(configs_from_json(text)?)
    }

    /// From settings read elsewhere.
    pub fn new(configs: Vec<KeyConfig>) -> Result<Self, KeyError> {
        let mut keys: Vec<Arc<Key>> = Vec::with_capacity(configs.len());
        for (index, config) in configs.into_iter().enumerate() {
            let label = config.kid.clone().unwrap_or_else(|| format!("#{index}"));
            let key = prepare(config).map_err(|reason| KeyError::Refused(label.clone(), reason))?;
            if key.kid.is_some()
                && keys
                    .iter()
                    .any(|other| other.kid == key.kid && other.issuer == key.issuer)
            {
                return Err(KeyError::Refused(
                    label,
                    "its issuer has another key with that id",
                ));
            }
            keys.push(Arc::new(key));
        }
        Ok(Self(keys.into()))
    }

    /// Is there any key of this issuer?
    #[must_use]
    pub fn knows_issuer(&self, issuer: &str) -> bool {
        self.0.iter().any(|key| key.issuer == issuer)
    }

    /// Keys that may have signed: of this issuer, and with this id when both name one.
    pub fn candidates(&self, issuer: &str, kid: Option<&str>) -> impl Iterator<Item = &Arc<Key>> {
        self.0.iter().filter(move |key| {
            key.issuer == issuer
                && match (key.kid.as_deref(), kid) {
                    (Some(ours), Some(theirs)) => ours == theirs,
                    _ => true,
                }
        })
    }
}

/// Reads the settings without preparing the keys; the `token` command signs with what it finds.
pub fn configs_from_json(text: &str) -> Result<Vec<KeyConfig>, KeyError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wrapped {
        keys: Vec<KeyConfig>,
    }
    if text.trim_start().starts_with('[') {
        Ok(serde_json::from_str(text)?)
    } else {
        Ok(serde_json::from_str::<Wrapped>(text)?.keys)
    }
}

fn prepare(config: KeyConfig) -> Result<Key, &'static str> {
    if config.issuer.is_empty() || config.audience.is_empty() {
        return Err("issuer and audience may not be empty");
    }
    if config.issuer == hub::ISSUER {
        return Err("the issuer \"bellhop\" is the server's own; name yours differently");
    }
    let decoding = match (config.alg, &config.secret, &config.pem) {
        (Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512, Some(secret), None) => {
            if secret.expose_secret().len() < 32 {
                return Err("the secret has fewer than 32 bytes");
            }
            DecodingKey::from_secret(secret.expose_secret().as_bytes())
        }
        (Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512, _, _) => {
            return Err("an HS key needs `secret` and no `pem`");
        }
        (algorithm, None, Some(pem)) => {
            public_key(algorithm, pem).map_err(|_| "`pem` is no public key of that algorithm")?
        }
        _ => return Err("this algorithm needs `pem` (a public key) and no `secret`"),
    };
    Ok(Key {
        kid: config.kid,
        algorithm: config.alg,
        decoding,
        issuer: config.issuer,
        audience: config.audience,
        tenants: config.tenants,
        services: config.services,
        authoritative: config.authoritative,
        scopes: config.scopes.into_iter().collect(),
        claims: config.claims,
    })
}

fn public_key(algorithm: Algorithm, pem: &str) -> jsonwebtoken::errors::Result<DecodingKey> {
    match algorithm {
        Algorithm::ES256 | Algorithm::ES384 => DecodingKey::from_ec_pem(pem.as_bytes()),
        Algorithm::EdDSA => DecodingKey::from_ed_pem(pem.as_bytes()),
        _ => DecodingKey::from_rsa_pem(pem.as_bytes()),
    }
}
