//! The service account of the stand-in: a key of its own, so that signatures are real.

use anyhow::Context as _;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::DecodingKey;
use serde_json::json;

/// Project and account, as they stand in the key file.
pub(super) const PROJECT: &str = "bellhop-devpush";
pub(super) const EMAIL: &str = "sender@bellhop-devpush.iam.example";
const KEY_ID: &str = "devpush";

/// A made account.
#[derive(Clone)]
pub struct Account {
    private_pem: String,
    public: DecodingKey,
}

impl Account {
    /// With a new key of 2048 bits.
    pub fn make() -> anyhow::Result<Self> {
        let pair = KeyPair::generate(KeySize::Rsa2048)
            .ok()
            .context("no RSA key")?;
        let private: Pkcs8V1Der<'_> = pair.as_der().ok().context("no PKCS#8")?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().ok().context("no DER")?;
        let public = pem("PUBLIC KEY", public.as_ref());
        Ok(Self {
            private_pem: pem("PRIVATE KEY", private.as_ref()),
            public: DecodingKey::from_rsa_pem(public.as_bytes())?,
        })
    }

    /// As the Firebase console would give it out.
    pub(super) fn key_file(&self, token_uri: &str) -> String {
        let file = json!({
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": KEY_ID,
            "private_key": self.private_pem,
            "client_email": EMAIL,
            "client_id": "0",
            "token_uri": token_uri,
        });
        format!("{file:#}\n")
    }

    pub(super) fn public(&self) -> &DecodingKey {
        &self.public
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let encoded = STANDARD.encode(der);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text + "-----END " + label + "-----\n"
}
