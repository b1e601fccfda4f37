//! Secrets and signatures, as Standard Webhooks has them: headers `webhook-id`, `webhook-timestamp` (seconds) and
//! `webhook-signature`, which is `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; several of them
//! with spaces between. A secret is written `whsec_` and the base64 of its 24 to 64 bytes.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::ids::Ids;

/// How a secret begins.
pub const PREFIX: &str = "whsec_";

/// Makes one of 256 random bits.
#[must_use]
pub fn make(ids: &Ids) -> Vec<u8> {
    ids.bytes::<32>().to_vec()
}

/// As its owner writes it.
#[must_use]
pub fn text(secret: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(secret))
}

/// Reads one; `None`: it is none.
#[must_use]
pub fn read(text: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
    (24..=64).contains(&bytes.len()).then_some(bytes)
}

/// The header `webhook-signature`: one a secret, the newest first.
#[must_use]
pub fn signatures<'a>(
    secrets: impl IntoIterator<Item = &'a [u8]>,
    id: &str,
    timestamp: i64,
    body: &str,
) -> String {
    let signed = format!("{id}.{timestamp}.{body}");
    let each = secrets.into_iter().map(|secret| {
        let tag = sign(&Key::new(HMAC_SHA256, secret), signed.as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    });
    each.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed beside this code, by Python's `hmac`.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let secret = read("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
        assert_eq!(secret, b"0123456789abcdef0123456789abcdef");
        let header = signatures([&secret[..]], "msg_1", 1_700_000_000, "{\"a\":1}");
        assert_eq!(header, "v1,rkwp5YuvdrMkcu0ZhuMsXoTg44mHAr1Q0+FFgFpXsjY=");
        let two = signatures([&secret[..], b"another secret of 24 bytes"], "m", 1, "");
        assert_eq!(two.split(' ').count(), 2);
    }

    #[test]
    fn a_secret_is_24_to_64_bytes_behind_its_prefix() {
        for wrong in ["", "whsec_", "whsec_!!", "c2hvcnQ=", "whsec_c2hvcnQ="] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(read(&text(&[7; 24])), Some(vec![7; 24]));
        assert_eq!(read(&text(&[7; 65])), None);
    }
}
