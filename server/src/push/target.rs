//! Where to: what a client registers, read once at the edge.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::hosts::{AllowedHosts, HostError};
use super::subscription::{Subscription, SubscriptionError};
use crate::support::ids::hex;

/// A registered device. Both kinds are secrets: who holds one can write to the device.
#[derive(Clone)]
pub enum Target {
    /// A registration token of Firebase Cloud Messaging.
    Fcm { token: SecretString },
    /// A browser's push subscription.
    Web(Subscription),
}

/// The kinds of device, as clients name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Platform {
    Fcm,
    Web,
}

impl Platform {
    /// As clients write it, and as it stands in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fcm => "fcm",
            Self::Web => "webpush",
        }
    }

    /// `None`: no platform is called that.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Fcm, Self::Web]
            .into_iter()
            .find(|platform| platform.as_str() == name)
    }
}

/// What was wrong with a registration, naming the field and the cure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("platform: write \"fcm\" or \"webpush\"")]
    Platform,
    #[error(
        "tokenOrSubscription: not a registration token of FCM; send what getToken() answers, \
         unchanged"
    )]
    Token,
    #[error(transparent)]
    Subscription(#[from] SubscriptionError),
    #[error(transparent)]
    Host(#[from] HostError),
}

/// Tokens have about 160 bytes; the documentation promises no length.
const LONGEST_TOKEN: usize = 4096;

impl Target {
    /// Reads a registration: `platform` is "fcm" (`text` is the registration token) or "webpush"
    /// (`text` is the JSON of `PushSubscription.toJSON()`).
    pub fn parse(platform: &str, text: &str, hosts: &AllowedHosts) -> Result<Self, TargetError> {
        match Platform::named(platform).ok_or(TargetError::Platform)? {
            Platform::Fcm => {
                let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
                if text.is_empty() || text.len() > LONGEST_TOKEN || !printable {
                    return Err(TargetError::Token);
                }
                Ok(Self::Fcm {
                    token: text.to_owned().into(),
                })
            }
            Platform::Web => Ok(Self::Web(Subscription::parse(text, hosts)?)),
        }
    }

    #[must_use]
    pub fn platform(&self) -> Platform {
        match self {
            Self::Fcm { .. } => Platform::Fcm,
            Self::Web(_) => Platform::Web,
        }
    }

    /// SHA-256 of what names the device to its provider: the token, or the endpoint. What else a browser writes
    /// beside its endpoint may change, and be in another order, and it is the same browser.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let secret = match self {
            Self::Fcm { token } => token.expose_secret(),
            Self::Web(subscription) => subscription.endpoint().as_str(),
        };
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.as_ref());
        bytes
    }

    /// What may be logged and shown instead of the secret: the first eight digits of its SHA-256.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(&self.hash()[..4])
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}#{}", self.platform().as_str(), self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = r#""keys":{"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"}"#;

    fn web(endpoint: &str) -> Result<Target, String> {
        let text = format!(r#"{{"endpoint":"{endpoint}","expirationTime":null,{KEYS}}}"#);
        let hosts = AllowedHosts::default();
        Target::parse("webpush", &text, &hosts).map_err(|error| error.to_string())
    }

    #[test]
    fn a_browsers_subscription_is_read() {
        let target = web("https://updates.push.services.mozilla.com/wpush/v2/gAAAA").unwrap();
        assert_eq!(target.platform(), Platform::Web);
        let shown = format!("{target:?}");
        assert!(shown.starts_with("webpush#"), "{shown}");
        assert!(!shown.contains("gAAAA"));
    }

    #[test]
    fn a_token_is_shown_by_the_start_of_its_hash() {
        let hosts = AllowedHosts::default();
        let target = Target::parse("fcm", "abc:APA91b-secret", &hosts).unwrap();
        assert_eq!(
            format!("{target:?}"),
            format!("fcm#{}", target.fingerprint())
        );
        assert!(!format!("{target:?}").contains("APA91b"));
    }

    #[test]
    fn errors_name_the_field_and_the_cure() {
        let hosts = AllowedHosts::default();
        let said = |platform: &str, text: &str| {
            Target::parse(platform, text, &hosts)
                .unwrap_err()
                .to_string()
        };
        assert!(said("apns", "x").starts_with("platform: "));
        for token in ["", "with space", "tab\t", &"x".repeat(5000)] {
            assert!(said("fcm", token).contains("getToken()"), "{token}");
        }
        assert!(said("webpush", "[]").contains("toJSON()"));
        assert!(said("webpush", r#"{"endpoint":"x"}"#).contains("keys"));
        let bad_key = KEYS.replace("BCVxsr7N", "BCVxsr7O");
        let bad_key =
            format!(r#"{{"endpoint":"https://fcm.googleapis.com/fcm/send/a",{bad_key}}}"#);
        assert!(said("webpush", &bad_key).contains("p256dh"));
        let short = KEYS.replace("_aSIgg", "");
        let short = format!(r#"{{"endpoint":"https://fcm.googleapis.com/fcm/send/a",{short}}}"#);
        assert!(said("webpush", &short).contains("auth"));
    }

    #[test]
    fn only_push_services_are_written_to() {
        for endpoint in [
            "http://fcm.googleapis.com/fcm/send/a",
            "https://example.com/push",
            "https://fcm.googleapis.com.example.com/a",
            "https://evilpush.apple.com.example/a",
            "https://push.apple.com@10.0.0.1/a",
            "https://user:pw@web.push.apple.com/a",
            "https://127.0.0.1/a",
            "https://[::1]/a",
            "https://169.254.169.254/latest/meta-data",
            "https://localhost/a",
            "http://127.0.0.1:9/a",
            "http://web.push.apple.com.localhost:9/a",
            "file:///etc/passwd",
        ] {
            let said = web(endpoint).unwrap_err();
            assert!(said.starts_with("endpoint: "), "{endpoint}: {said}");
        }
        for endpoint in [
            "https://fcm.googleapis.com/fcm/send/a",
            "https://web.push.apple.com/QGh",
            "https://WNS2-am3p.notify.windows.com/w/?token=a",
        ] {
            web(endpoint).unwrap();
        }
    }
}
