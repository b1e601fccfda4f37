//! The request's body: only the fields that we send (reference: `projects.messages` of FCM v1).

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::fit::fitting;
use super::Message;
use crate::push::Purpose;

/// Bytes of keys and values; FCM's limit.
const LARGEST: usize = 4096;
/// What FCM counts beyond our texts, for iOS foremost, generously.
const RESERVE: usize = 512;

#[derive(Serialize)]
struct Body<'a> {
    message: Sent<'a>,
}

#[derive(Serialize)]
struct Sent<'a> {
    token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification: Option<Drawn<'a>>,
    /// Texts only; keys that FCM keeps for itself (`from`, `gcm…`, `google…`, `message_type`,
    /// `collapse_key`) are not among ours.
    data: BTreeMap<&'static str, String>,
    android: Android,
    apns: Apns,
}

#[derive(Serialize)]
struct Drawn<'a> {
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
}

#[derive(Serialize)]
struct Android {
    priority: &'static str,
    ttl: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification: Option<AndroidDrawn>,
}

#[derive(Serialize)]
struct AndroidDrawn {
    /// Cards of one tag replace each other, so a repeated send draws no second one.
    tag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_count: Option<u32>,
}

#[derive(Serialize)]
struct Apns {
    headers: BTreeMap<&'static str, String>,
    payload: Value,
}

/// The JSON, cut until FCM takes it; `None`: it cannot be cut that far.
pub(super) fn of(token: &str, message: &Message, ttl: Duration, now: Timestamp) -> Option<Vec<u8>> {
    let fits = |message: &Message| weight(message) + RESERVE <= LARGEST;
    let message = fitting(message, fits)?;
    let body = Body {
        message: sent(token, &message, ttl, now),
    };
    serde_json::to_vec(&body).ok()
}

/// Title and body go twice to iOS, and so are counted.
fn weight(message: &Message) -> usize {
    let data: usize = data(message)
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    data + 2 * (message.title.len() + message.body.as_ref().map_or(0, String::len))
}

fn sent<'a>(token: &'a str, message: &'a Message, ttl: Duration, now: Timestamp) -> Sent<'a> {
    let notify = message.purpose == Purpose::Notify;
    let high = notify && message.high;
    let id = message.id.to_string();
    let until = now.as_second().saturating_add_unsigned(ttl.as_secs());
    let mut headers = BTreeMap::from([("apns-expiration", until.to_string())]);
    let aps = if notify {
        headers.insert("apns-push-type", "alert".to_owned());
        headers.insert("apns-priority", if high { "10" } else { "5" }.to_owned());
        // The card's name on the phone: a repeated send replaces it.
        headers.insert("apns-collapse-id", id.clone());
        // Wakes the app, so that it can ack; lets an extension fetch the rest.
        let mut aps = json!({"content-available": 1, "mutable-content": 1});
        if let Some(badge) = message.badge {
            aps["badge"] = badge.into();
        }
        aps
    } else {
        headers.insert("apns-push-type", "background".to_owned());
        headers.insert("apns-priority", "5".to_owned());
        json!({"content-available": 1})
    };
    Sent {
        token,
        notification: notify.then_some(Drawn {
            title: &message.title,
            body: message.body.as_deref(),
        }),
        data: data(message),
        android: Android {
            priority: if high { "HIGH" } else { "NORMAL" },
            ttl: format!("{}s", ttl.as_secs()),
            notification: notify.then_some(AndroidDrawn {
                tag: id,
                notification_count: message.badge,
            }),
        },
        apns: Apns {
            headers,
            payload: json!({ "aps": aps }),
        },
    }
}

fn data(message: &Message) -> BTreeMap<&'static str, String> {
    let mut data = BTreeMap::from([
        ("purpose", message.purpose.as_str().to_owned()),
        ("notificationId", message.id.to_string()),
    ]);
    if let Some(badge) = message.badge {
        data.insert("badge", badge.to_string());
    }
    if message.purpose == Purpose::Notify {
        data.insert("class", message.class.clone());
        data.insert("kind", message.kind.clone());
        let optional = [("link", &message.link), ("data", &message.data)];
        for (name, value) in optional {
            if let Some(value) = value {
                data.insert(name, value.clone());
            }
        }
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::tests::{NOW, message, withdrawal};

    fn read(message: &Message) -> Value {
        let body = of(
            "token",
            message,
            Duration::from_mins(10),
            NOW.parse().unwrap(),
        );
        serde_json::from_slice(&body.unwrap()).unwrap()
    }

    #[test]
    fn a_question_is_drawn_by_the_system() {
        let id = message().id;
        assert_eq!(
            read(&message()),
            json!({"message": {
                "token": "token",
                "notification": {"title": "An approval is waiting"},
                "data": {"purpose": "notify", "notificationId": id, "class": "decision",
                         "kind": "NewTask"},
                "android": {"priority": "HIGH", "ttl": "600s", "notification": {"tag": id}},
                "apns": {
                    "headers": {"apns-push-type": "alert", "apns-priority": "10",
                                "apns-collapse-id": id, "apns-expiration": "1795342200"},
                    "payload": {"aps": {"content-available": 1, "mutable-content": 1}}},
            }})
        );
    }

    #[test]
    fn a_withdrawal_is_carried_out_by_the_app_and_wakes_nobody() {
        let mut gone = withdrawal();
        gone.body = Some("secret".to_owned());
        gone.data = Some("{}".to_owned());
        gone.high = true;
        let id = gone.id;
        assert_eq!(
            read(&gone),
            json!({"message": {
                "token": "token",
                "data": {"purpose": "withdraw", "notificationId": id, "badge": "2"},
                "android": {"priority": "NORMAL", "ttl": "600s"},
                "apns": {
                    "headers": {"apns-push-type": "background", "apns-priority": "5",
                                "apns-expiration": "1795342200"},
                    "payload": {"aps": {"content-available": 1}}},
            }})
        );
    }

    #[test]
    fn what_does_not_fit_is_cut_and_not_refused() {
        let mut long = message();
        long.data = Some(format!("{{\"a\":\"{}\"}}", "x".repeat(4000)));
        long.body = Some("b".repeat(900));
        let read = read(&long);
        assert_eq!(read["message"]["data"].get("data"), None);
        assert_eq!(read["message"]["notification"]["body"], json!(long.body));
    }
}
