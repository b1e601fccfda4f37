//! The VAPID key: one pair of P-256 that browsers bind their subscriptions to. Made once and never
//! changed without need: every browser would have to subscribe anew.

use std::fmt;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use secrecy::{ExposeSecret as _, SecretString};

/// Ready to sign.
#[derive(Clone)]
pub struct VapidKey {
    signing: EncodingKey,
    public: String,
}

/// Not a key of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no P-256 private key: neither PEM (`bellhop key vapid` makes one) nor 32 bytes in base64url, as \
     other programs write theirs"
)]
pub struct NotAKey;

impl VapidKey {
    /// Reads PEM (PKCS#8 or SEC1), or the bare number in base64url that other programs use: an
    /// installation that moves here keeps its subscriptions.
    pub fn read(text: &str) -> Result<Self, NotAKey> {
        let key = if let Some(der) = pem(text) {
            PrivateKey::from_private_key_der(&ECDH_P256, &der)
        } else {
            let bare = text.trim().trim_end_matches('=');
            let number = URL_SAFE_NO_PAD.decode(bare).map_err(|_| NotAKey)?;
            PrivateKey::from_private_key(&ECDH_P256, &number)
        };
        Self::of(&key.map_err(|_| NotAKey)?).ok_or(NotAKey)
    }

    fn of(key: &PrivateKey) -> Option<Self> {
        let der: Pkcs8V1Der<'_> = key.as_der().ok()?;
        let public = key.compute_public_key().ok()?;
        Some(Self {
            signing: EncodingKey::from_ec_der(der.as_ref()),
            public: URL_SAFE_NO_PAD.encode(public.as_ref()),
        })
    }

    /// A new pair as PEM. `None`: the operating system gives no randomness.
    #[must_use]
    pub fn make() -> Option<SecretString> {
        let key = PrivateKey::generate(&ECDH_P256).ok()?;
        let der: Pkcs8V1Der<'_> = key.as_der().ok()?;
        let text = STANDARD.encode(der.as_ref());
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Some(pem.into())
    }

    /// Makes a key at `file`, mode 0600. A file that is there is an error: browsers may be bound to it.
    pub fn make_file(file: &Path) -> io::Result<Self> {
        let pem = Self::make().ok_or_else(|| io::Error::other("no random bytes"))?;
        let mut open = std::fs::OpenOptions::new();
        open.write(true).create_new(true).mode(0o600);
        let mut opened = open.open(file)?;
        opened.write_all(pem.expose_secret().as_bytes())?;
        opened.sync_all()?;
        Self::read(pem.expose_secret()).map_err(io::Error::other)
    }

    /// The public half, base64url: what a browser's `applicationServerKey` has to be.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }

    pub(super) fn signing(&self) -> &EncodingKey {
        &self.signing
    }
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VapidKey({})", self.public)
    }
}

/// The bytes of the block that is a private key; `openssl` writes its parameters before it.
fn pem(text: &str) -> Option<Vec<u8>> {
    let (_, after) = text.split_once("PRIVATE KEY-----")?;
    let (inside, _) = after.split_once("-----END")?;
    STANDARD
        .decode(inside.split_whitespace().collect::<String>())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_key_is_read_and_is_another_each_time() {
        let [one, two] = [(); 2].map(|()| VapidKey::make().unwrap());
        let read = |pem: &SecretString| VapidKey::read(pem.expose_secret()).unwrap();
        assert_ne!(read(&one).public(), read(&two).public());
        assert_eq!(read(&one).public(), read(&one).public());
        assert_eq!(read(&one).public().len(), 87);
    }

    #[test]
    fn a_key_of_another_program_is_read() {
        // The sender's key of RFC 8291, as web-push libraries write theirs.
        let key = VapidKey::read("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw\n").unwrap();
        assert!(
            key.public()
                .starts_with("BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIg")
        );
        // Zero and the order of the curve are no private keys; neither is what is too long, or of another curve.
        let order = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";
        let long = format!("{}AA", "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        for wrong in [
            "",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            order,
            &long,
            "yfWPiYE",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        ] {
            assert_eq!(VapidKey::read(wrong).unwrap_err(), NotAKey);
        }
    }
}
