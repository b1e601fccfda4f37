//! How the clients of a run prove who they are: with tokens signed here, or with tokens that somebody else made.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use crate::auth::jwt::keys::{KeyConfig, configs_from_json};
use crate::auth::jwt::mint::{self, Wanted};
use crate::support::clock::Clock;

/// Who signs.
pub struct Signer {
    key: KeyConfig,
    tenant: String,
    service: String,
}

impl Signer {
    /// The development key of a ready file.
    pub fn of_ready_file(path: &Path) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Ready {
            tenant: Option<String>,
            service: Option<String>,
            jwt: Option<Jwt>,
        }
        #[derive(Deserialize)]
        struct Jwt {
            alg: String,
            secret: Option<String>,
            iss: String,
            aud: String,
        }
        let text = std::fs::read(path).with_context(|| {
            format!("{} cannot be read: is the server running?", path.display())
        })?;
        let ready: Ready = serde_json::from_slice(&text)
            .with_context(|| format!("{} is no ready file", path.display()))?;
        let (
            Some(tenant),
            Some(service),
            Some(Jwt {
                alg,
                secret: Some(secret),
                iss,
                aud,
            }),
        ) = (ready.tenant, ready.service, ready.jwt)
        else {
            anyhow::bail!(
                "{} names no key that signs tokens: the server has no demo data. Give --jwt-keys with --tenant and \
                 --service, or --tokens",
                path.display()
            )
        };
        let key = serde_json::from_value(json!({
            "alg": alg, "secret": secret, "issuer": iss, "audience": aud, "tenants": "*",
        }))
        .context("the key of the ready file cannot be used")?;
        Ok(Self {
            key,
            tenant,
            service,
        })
    }

    /// The first HS key of a file of verification keys that may name the tenant and the service.
    pub fn of_keys(path: &Path, tenant: &str, service: &str) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} (BELLHOP_JWT_KEYS) cannot be read", path.display()))?;
        let key = configs_from_json(&text)
            .with_context(|| path.display().to_string())?
            .into_iter()
            .find(|key| {
                key.secret.is_some() && key.tenants.contain(tenant) && key.services.contain(service)
            });
        let key = key.with_context(|| {
            format!(
                "{} has no HS key that may name tenant \"{tenant}\" and service \"{service}\", and a public key \
                 cannot sign: let your issuer make tokens for some users, and give them with --tokens",
                path.display()
            )
        })?;
        Ok(Self {
            key,
            tenant: tenant.to_owned(),
            service: service.to_owned(),
        })
    }

    /// A token for each, good for so many seconds.
    pub fn sign(
        &self,
        users: &[Arc<str>],
        lifetime: i64,
        clock: &Clock,
    ) -> anyhow::Result<Vec<(Arc<str>, SecretString)>> {
        let sign = |user: &Arc<str>| {
            let wanted = Wanted {
                tenant: Some(self.tenant.clone()),
                service: Some(self.service.clone()),
                user: Some(user.to_string()),
                lifetime,
                ..Wanted::default()
            };
            let token =
                mint::mint(&self.key, &wanted, clock.now()).context("the key cannot sign")??;
            Ok((user.clone(), token.into()))
        };
        users.iter().map(sign).collect()
    }
}

/// Tokens made elsewhere: a JSON object, `{"u-1042": "eyJ…", …}`.
pub fn given(path: &Path, most: usize) -> anyhow::Result<Vec<(Arc<str>, SecretString)>> {
    let text = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let tokens: BTreeMap<String, SecretString> =
        serde_json::from_slice(&text).with_context(|| {
            format!(
                "{} is no JSON object of users and their tokens",
                path.display()
            )
        })?;
    ensure!(!tokens.is_empty(), "{} names nobody", path.display());
    let some = tokens.into_iter().take(most);
    Ok(some.map(|(user, token)| (user.into(), token)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    #[test]
    fn a_public_key_cannot_sign_and_the_way_out_is_named() {
        let keys = file(
            r#"[{"alg": "HS256", "secret": "0123456789abcdef0123456789abcdef", "issuer": "i", "audience": "a",
                 "tenants": ["acme"], "services": ["erp"]}]"#,
        );
        let signer = Signer::of_keys(keys.path(), "acme", "erp").unwrap();
        let tokens = signer.sign(&["u".into()], 60, &Clock::system()).unwrap();
        assert_eq!(tokens.len(), 1);
        let refused = Signer::of_keys(keys.path(), "other", "erp").err().unwrap();
        assert!(refused.to_string().contains("--tokens"), "{refused}");
    }

    #[test]
    fn a_ready_file_without_demo_names_the_way_out() {
        let ready =
            file(r#"{"url": "http://127.0.0.1:1", "tenant": null, "service": null, "jwt": null}"#);
        let refused = Signer::of_ready_file(ready.path()).err().unwrap();
        assert!(refused.to_string().contains("--jwt-keys"), "{refused}");
    }

    #[test]
    fn given_tokens_are_read_up_to_the_bound() {
        let tokens = file(r#"{"a": "1", "b": "2", "c": "3"}"#);
        let users: Vec<_> = given(tokens.path(), 2)
            .unwrap()
            .into_iter()
            .map(|one| one.0)
            .collect();
        assert_eq!(users, ["a".into(), "b".into()]);
        assert!(given(file("{}").path(), 2).is_err());
    }
}
