//! What an invocation from the hub means.
//!
//! A notification's method is its kind, and kinds are the tenant's own words: so everything that is
//! not one of ours and carries one object with a `notificationId` is a notification.

use serde_json::Value;
use signalr::protocol::Payload;

use crate::protocol::{GREETING, Greeting, PATCH, Patch, WITHDRAWN};

/// An item of the user's stream: its id, and its number if it came with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// `notificationId`.
    pub id: String,
    /// `seq`.
    pub seq: Option<i64>,
}

/// An invocation, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Routed {
    /// Show it. The value is the object as it came; `kind` is filled in when it was absent.
    Notification(Item, Value),
    /// Take these off the screen. The withdrawal may be an item itself.
    Withdrawn(Vec<String>, Option<Item>),
    /// A screen's topic changed.
    Patch(Patch),
    /// The server's word on who we are and where the stream stands.
    Greeting(Greeting),
    /// Not for this page: skipped, as any SignalR client does with a method it has no handler for.
    Unknown,
}

/// Reads an invocation. Method names do not differ by case, as in the official clients.
pub fn route(target: &str, arguments: &[Payload]) -> Routed {
    let [argument] = arguments else {
        return Routed::Unknown;
    };
    let is = |name: &str| target.eq_ignore_ascii_case(name);
    if is(PATCH) {
        return argument.read().map_or(Routed::Unknown, Routed::Patch);
    }
    if is(GREETING) {
        return argument.read().map_or(Routed::Unknown, Routed::Greeting);
    }
    let Ok(mut value) = argument.read::<Value>() else {
        return Routed::Unknown;
    };
    let item = item(&value);
    if is(WITHDRAWN) {
        let ids = value.get("ids").unwrap_or(&value).as_array();
        let ids = ids
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned);
        return Routed::Withdrawn(ids.collect(), item);
    }
    let Some(item) = item else {
        return Routed::Unknown;
    };
    if let Some(fields) = value.as_object_mut() {
        fields.entry("kind").or_insert_with(|| target.into());
    }
    Routed::Notification(item, value)
}

fn item(value: &Value) -> Option<Item> {
    let id = value
        .get("notificationId")?
        .as_str()
        .filter(|id| !id.is_empty())?;
    Some(Item {
        id: id.to_owned(),
        seq: value.get("seq").and_then(Value::as_i64),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn routed(target: &str, argument: &Value) -> Routed {
        route(target, &[Payload::of(argument).unwrap()])
    }

    #[test]
    fn any_method_with_a_notification_id_is_a_notification() {
        let sent = json!({"notificationId": "n1", "seq": 4, "title": "Approved"});
        let mut shown = sent.clone();
        shown["kind"] = "DocumentApproved".into();
        let item = Item {
            id: "n1".into(),
            seq: Some(4),
        };
        assert_eq!(
            routed("DocumentApproved", &sent),
            Routed::Notification(item, shown)
        );
        let sent = json!({"notificationId": "n1", "kind": "Custom"});
        let item = Item {
            id: "n1".into(),
            seq: None,
        };
        assert_eq!(
            routed("Notification", &sent),
            Routed::Notification(item, sent)
        );
    }

    #[test]
    fn our_own_methods_are_told_apart_whatever_their_case() {
        let patch = json!({"topic": "inbox", "from": 1, "rev": 2, "notificationId": "x"});
        assert!(matches!(routed("patch", &patch), Routed::Patch(p) if p.rev == 2));
        let greeting = json!({"user": "u", "device": "d", "cursor": "e:4", "version": 1});
        assert!(matches!(routed("Greeting", &greeting), Routed::Greeting(g) if g.cursor == "e:4"));
        let ids = || vec!["a".to_owned(), "b".to_owned()];
        let itself = Item {
            id: "w".into(),
            seq: Some(9),
        };
        for (argument, item) in [
            (json!({"ids": ["a", "b"]}), None),
            (json!(["a", "b"]), None),
            (
                json!({"ids": ["a", 5, "b"], "notificationId": "w", "seq": 9}),
                Some(itself),
            ),
        ] {
            assert_eq!(
                routed("NotificationWithdrawn", &argument),
                Routed::Withdrawn(ids(), item)
            );
        }
    }

    #[test]
    fn everything_else_is_skipped() {
        let id = json!({"notificationId": "x"});
        for argument in [
            json!(null),
            json!(4),
            json!([id]),
            json!({"notificationId": 4}),
            json!({}),
        ] {
            assert_eq!(
                routed("Something", &argument),
                Routed::Unknown,
                "{argument}"
            );
        }
        let id = Payload::of(&id).unwrap();
        assert_eq!(route("Something", &[id.clone(), id]), Routed::Unknown);
        assert_eq!(route("Something", &[]), Routed::Unknown);
        assert_eq!(routed("Patch", &json!({"topic": "inbox"})), Routed::Unknown);
        let none = json!({"notificationId": ""});
        assert_eq!(routed("Something", &none), Routed::Unknown);
    }
}
