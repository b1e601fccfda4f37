//! A browser's push subscription: `PushSubscription.toJSON()` of the Push API.

use aws_lc_rs::agreement::{ECDH_P256, ParsedPublicKey, UnparsedPublicKey};
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use url::Url;

use super::hosts::AllowedHosts;
use super::service::Service;
use super::target::TargetError;

/// Browsers leave the padding out; some libraries of apps add it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Where to write and for whom to seal.
#[derive(Clone)]
pub struct Subscription {
    endpoint: Url,
    service: Service,
    /// The browser's public key, an uncompressed point of P-256.
    p256dh: [u8; 65],
    auth: [u8; 16],
}

/// What is wrong with one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionError {
    #[error(
        "tokenOrSubscription: not the JSON of a push subscription ({{\"endpoint\", \"keys\": \
         {{\"p256dh\", \"auth\"}}}}); send JSON.stringify(subscription.toJSON())"
    )]
    Json,
    #[error(
        "keys.p256dh: not a public key (65 bytes in base64url); send what toJSON() answers, \
         unchanged"
    )]
    PublicKey,
    #[error("keys.auth: not 16 bytes in base64url; send what toJSON() answers, unchanged")]
    Auth,
}

#[derive(Deserialize)]
struct Written {
    endpoint: String,
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

impl Subscription {
    pub(super) fn parse(text: &str, hosts: &AllowedHosts) -> Result<Self, TargetError> {
        // `expirationTime` and what later versions add are not needed.
        let written: Written = serde_json::from_str(text).map_err(|_| SubscriptionError::Json)?;
        let (endpoint, service) = hosts.endpoint(&written.endpoint)?;
        Ok(Self {
            endpoint,
            service,
            p256dh: point(&written.keys.p256dh).ok_or(SubscriptionError::PublicKey)?,
            auth: bytes(&written.keys.auth).ok_or(SubscriptionError::Auth)?,
        })
    }

    /// A secret: who knows it can write to the device.
    #[must_use]
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    #[must_use]
    pub fn service(&self) -> Service {
        self.service
    }

    pub(super) fn p256dh(&self) -> &[u8; 65] {
        &self.p256dh
    }

    pub(super) fn auth(&self) -> &[u8; 16] {
        &self.auth
    }
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

/// An uncompressed point that is on the curve: one that is not would fail every message sealed for it. The same
/// point in another form is refused, too: both sides derive their keys from these very bytes.
fn point(text: &str) -> Option<[u8; 65]> {
    let point: [u8; 65] = bytes(text)?;
    if point[0] != 4 {
        return None;
    }
    let parsed = ParsedPublicKey::try_from(UnparsedPublicKey::new(&ECDH_P256, point));
    parsed.is_ok().then_some(point)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    /// The browser's key of RFC 8291.
    const GOOD: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";

    #[test]
    fn only_an_uncompressed_point_of_the_curve_is_a_key() {
        let good = point(GOOD).unwrap();
        assert!(point(&format!("{GOOD}=")).is_some(), "padded by a library");
        let changed = |place: usize, value: u8| {
            let mut point = good;
            point[place] = value;
            point
        };
        let odd = 6 | (good[64] & 1); // the same point, hybrid
        for (wrong, why) in [
            (changed(0, odd), "hybrid"),
            (changed(0, 0), "no form"),
            (changed(64, good[64] ^ 1), "beside the curve"),
            ([0; 65], "zeros"),
            (
                {
                    let mut origin = [0; 65];
                    origin[0] = 4;
                    origin
                },
                "the origin",
            ),
            ([0xff; 65], "beyond the field"),
        ] {
            assert_eq!(point(&URL_SAFE_NO_PAD.encode(wrong)), None, "{why}");
        }
        for wrong in [
            String::new(),
            URL_SAFE_NO_PAD.encode([0]), // the point at infinity
            URL_SAFE_NO_PAD.encode(&good[..64]),
            URL_SAFE_NO_PAD.encode([&good[..], &[0]].concat()),
            URL_SAFE_NO_PAD.encode([&[2 | (good[64] & 1)], &good[1..33]].concat()), // compressed
            GOOD.replace('_', "/"),
        ] {
            assert_eq!(point(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_that_is_no_secret_is_refused() {
        for wrong in [
            "",
            "AA",
            "BTBZMqHH6r4Tts7J_aSI",
            "BTBZMqHH6r4Tts7J_aSIggAA",
            "!",
        ] {
            assert_eq!(bytes::<16>(wrong), None, "{wrong}");
        }
        assert!(bytes::<16>("BTBZMqHH6r4Tts7J_aSIgg").is_some());
    }
}
