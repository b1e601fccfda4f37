//! The body of a send: what FCM v1's schema knows, and no field more.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::Value;

const LARGEST: usize = 4096;
const LONGEST_TTL: u64 = 2_419_200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    #[serde(default)]
    pub(super) validate_only: bool,
    pub(super) message: Message,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    #[serde(default)]
    pub(super) token: Option<String>,
    #[serde(default)]
    topic: Option<String>,
    #[serde(default)]
    condition: Option<String>,
    #[serde(default)]
    pub(super) notification: Option<Notification>,
    #[serde(default)]
    pub(super) data: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) android: Android,
    #[serde(default)]
    apns: Apns,
    #[serde(default, rename = "webpush")]
    _webpush: Option<Value>,
    #[serde(default, rename = "fcm_options")]
    _fcm_options: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Notification {
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: String,
    #[serde(default, rename = "image")]
    _image: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Android {
    #[serde(default)]
    pub(super) collapse_key: Option<String>,
    #[serde(default)]
    pub(super) priority: Option<String>,
    #[serde(default)]
    pub(super) ttl: Option<String>,
    #[serde(default)]
    pub(super) notification: Option<AndroidNotification>,
    #[serde(default, rename = "restricted_package_name")]
    _package: Option<String>,
    #[serde(default, rename = "direct_boot_ok")]
    _direct_boot: Option<bool>,
    #[serde(default, rename = "data")]
    _data: Option<HashMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AndroidNotification {
    #[serde(default)]
    pub(super) tag: Option<String>,
    #[serde(default)]
    pub(super) notification_count: Option<u64>,
    #[serde(default, rename = "channel_id")]
    _channel: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Apns {
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    payload: Value,
}

/// A field and what is wrong with it.
pub(super) type Violation = (String, String);

pub(super) fn read(bytes: &[u8]) -> Result<Body, Violation> {
    let reader = &mut serde_json::Deserializer::from_slice(bytes);
    let body: Body = serde_path_to_error::deserialize(reader)
        .map_err(|error| (error.path().to_string(), error.inner().to_string()))?;
    body.message.check()?;
    Ok(body)
}

impl Message {
    fn check(&self) -> Result<(), Violation> {
        let wrong = |field: &str, why: &str| Err((format!("message.{field}"), why.to_owned()));
        let targets = [&self.token, &self.topic, &self.condition];
        if targets.into_iter().flatten().count() != 1 {
            return wrong("token", "exactly one of token, topic and condition");
        }
        for name in self.data.keys() {
            let reserved = ["from", "message_type", "collapse_key"].contains(&name.as_str())
                || name.starts_with("gcm")
                || name.starts_with("google");
            if reserved {
                return wrong("data", &format!("{name} is reserved"));
            }
        }
        if let Some(priority) = &self.android.priority
            && !["NORMAL", "HIGH"].contains(&priority.as_str())
        {
            return wrong("android.priority", "NORMAL or HIGH");
        }
        if let Some(ttl) = &self.android.ttl
            && seconds(ttl).is_none_or(|seconds| seconds > LONGEST_TTL)
        {
            return wrong("android.ttl", "seconds from 0 to 2419200, like 3.5s");
        }
        if self.size() > LARGEST {
            return wrong("data", "the message is larger than 4096 bytes");
        }
        self.check_apns()
    }

    fn check_apns(&self) -> Result<(), Violation> {
        let header = |name: &str| self.apns.headers.get(name).map(String::as_str);
        let wrong = |why: &str| Err(("message.apns".to_owned(), why.to_owned()));
        let aps = &self.apns.payload["aps"];
        match header("apns-push-type") {
            Some("background") => {
                let drawn = ["alert", "badge", "sound"]
                    .iter()
                    .any(|name| aps.get(name).is_some());
                if header("apns-priority") != Some("5") {
                    return wrong("a background push has priority 5");
                }
                if aps["content-available"] != 1 || drawn || self.notification.is_some() {
                    return wrong("a background push has content-available and nothing to draw");
                }
            }
            Some("alert") | None => {}
            Some(_) => return wrong("apns-push-type is alert or background"),
        }
        if header("apns-collapse-id").is_some_and(|id| id.len() > 64) {
            return wrong("apns-collapse-id has 64 bytes at most");
        }
        if header("apns-expiration").is_some_and(|at| at.parse::<u64>().is_err()) {
            return wrong("apns-expiration is seconds since 1970");
        }
        Ok(())
    }

    fn size(&self) -> usize {
        let data: usize = self
            .data
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        let drawn = self.notification.as_ref();
        data + drawn.map_or(0, |drawn| drawn.title.len() + drawn.body.len())
    }
}

/// Seconds, rounded down, of `3.5s`.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let number = text.strip_suffix('s')?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(part) || part.len() > 9 || !digits(whole) {
        return None;
    }
    whole.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(message: Value) -> String {
        let body = json!({"message": message}).to_string();
        read(body.as_bytes())
            .err()
            .map_or_else(String::new, |(field, _)| field)
    }

    #[test]
    fn what_fcm_refuses_is_refused_with_the_field() {
        assert_eq!(wrong(json!({"token": "t", "data": {"a": "1"}})), "");
        assert_eq!(wrong(json!({"data": {"a": "1"}})), "message.token");
        assert_eq!(
            wrong(json!({"token": "t", "topic": "all"})),
            "message.token"
        );
        assert_eq!(
            wrong(json!({"token": "t", "data": {"a": 1}})),
            "message.data.a"
        );
        assert_eq!(
            wrong(json!({"token": "t", "colour": "red"})),
            "message.colour"
        );
        for name in ["from", "gcm.n", "google.x", "message_type", "collapse_key"] {
            assert_eq!(
                wrong(json!({"token": "t", "data": {name: "x"}})),
                "message.data"
            );
        }
        for ttl in ["3600", "s", "-1s", "1e3s", "2419201s", "1.0000000001s"] {
            let field = wrong(json!({"token": "t", "android": {"ttl": ttl}}));
            assert_eq!(field, "message.android.ttl", "{ttl}");
        }
        for ttl in ["0s", "3.5s", "2419200s"] {
            assert_eq!(
                wrong(json!({"token": "t", "android": {"ttl": ttl}})),
                "",
                "{ttl}"
            );
        }
        assert_eq!(
            wrong(json!({"token": "t", "data": {"a": "x".repeat(4096)}})),
            "message.data"
        );
        let background = |priority: &str, aps: Value| {
            wrong(json!({"token": "t", "apns": {
                "headers": {"apns-push-type": "background", "apns-priority": priority},
                "payload": {"aps": aps}}}))
        };
        assert_eq!(background("5", json!({"content-available": 1})), "");
        assert_eq!(
            background("10", json!({"content-available": 1})),
            "message.apns"
        );
        assert_eq!(background("5", json!({})), "message.apns");
        assert_eq!(
            background("5", json!({"content-available": 1, "badge": 1})),
            "message.apns"
        );
    }
}
