//! A service account: the JSON file that the Firebase console gives out.

use jsonwebtoken::EncodingKey;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Host, Url};

/// As whom we write.
#[derive(Clone)]
pub struct Account {
    project: String,
    email: String,
    key_id: Option<String>,
    signing: EncodingKey,
    token_uri: Url,
}

/// What is wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    #[error(
        "not the JSON of a service account: {0}. In the Firebase console: project settings, service \
         accounts, generate new private key"
    )]
    Json(String),
    #[error("`type` is `{0}`, not `service_account`: this is another kind of Google key")]
    Kind(String),
    #[error("`project_id` is no project's id")]
    Project,
    #[error("`private_key` is no RSA private key in PEM")]
    Key,
    #[error("`token_uri` is no https URL")]
    TokenUri,
}

#[derive(Deserialize)]
struct Written {
    r#type: String,
    project_id: String,
    client_email: String,
    private_key: SecretString,
    #[serde(default)]
    private_key_id: Option<String>,
    token_uri: Url,
}

impl Account {
    /// Reads the file's text. `loopback`: its `token_uri` may be a stand-in's on this machine.
    pub fn read(text: &str, loopback: bool) -> Result<Self, AccountError> {
        let written: Written = serde_json::from_str(text).map_err(|error| {
            // The parser's own words may repeat the file.
            let (line, column) = (error.line(), error.column());
            AccountError::Json(format!("line {line}, column {column}"))
        })?;
        if written.r#type != "service_account" {
            return Err(AccountError::Kind(written.r#type));
        }
        let of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if written.project_id.is_empty() || !written.project_id.bytes().all(of_a_name) {
            return Err(AccountError::Project);
        }
        let here = loopback && is_loopback(&written.token_uri);
        if written.token_uri.scheme() != "https" && !here {
            return Err(AccountError::TokenUri);
        }
        let pem = written.private_key.expose_secret().as_bytes();
        Ok(Self {
            project: written.project_id,
            email: written.client_email,
            key_id: written.private_key_id,
            signing: EncodingKey::from_rsa_pem(pem).map_err(|_| AccountError::Key)?,
            token_uri: written.token_uri,
        })
    }

    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Who the assertions are made out to, and where they are sent.
    #[must_use]
    pub fn token_uri(&self) -> &Url {
        &self.token_uri
    }

    /// The origin of a stand-in on this machine, when the key is one's.
    #[must_use]
    pub fn stand_in(&self) -> Option<Url> {
        let mut base = self.token_uri.clone();
        base.set_path("/");
        is_loopback(&base).then_some(base)
    }

    pub(super) fn email(&self) -> &str {
        &self.email
    }

    pub(super) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    pub(super) fn signing(&self) -> &EncodingKey {
        &self.signing
    }
}

/// Does a URL lead to this machine, by its looks?
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn said(change: impl Fn(&mut Value), loopback: bool) -> String {
        let mut file = json!({
            "type": "service_account", "project_id": "acme-42", "private_key": "x",
            "client_email": "push@acme-42.iam.gserviceaccount.com",
            "token_uri": "https://oauth2.googleapis.com/token",
        });
        change(&mut file);
        let read = Account::read(&file.to_string(), loopback);
        read.err()
            .map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn a_wrong_file_is_named_and_not_repeated() {
        assert!(said(|_| {}, false).contains("`private_key`"));
        assert!(
            said(|file| file["type"] = "authorized_user".into(), false).contains("authorized_user")
        );
        assert!(said(|file| file["project_id"] = "../x".into(), false).contains("`project_id`"));
        let missing = said(|file| file["client_email"] = json!(null), false);
        assert!(missing.contains("Firebase console"), "{missing}");
        let secret = Account::read(r#"{"private_key": "s3cret", "#, false)
            .err()
            .unwrap();
        assert!(!secret.to_string().contains("s3cret"));
    }

    #[test]
    fn tokens_come_by_tls_or_from_a_stand_in_that_is_allowed() {
        let at = |url: &str, loopback| {
            said(|file| file["token_uri"] = url.into(), loopback).contains("`token_uri`")
        };
        assert!(at("http://oauth2.googleapis.com/token", true));
        assert!(at("http://127.0.0.1:9/token", false));
        assert!(!at("http://127.0.0.1:9/token", true));
        assert!(at("http://localhost.example.com/token", true));
    }
}
