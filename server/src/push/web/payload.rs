//! What our service worker reads. Versioned: a worker may be older than the server.

use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::super::fit::fitting;
use super::super::seal::LARGEST;
use super::super::service::Service;
use super::{Message, Purpose};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    v: u8,
    purpose: &'static str,
    notification_id: Uuid,
    /// Cards of one tag replace each other.
    tag: Uuid,
    /// A withdrawal that has to be drawn, silently, in the place of the card: this service revokes
    /// subscriptions whose pushes show nothing. Otherwise the card is closed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    visible: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<u32>,
    /// Sound and vibration again, even in the place of a card.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    urgent: bool,
}

/// The JSON, cut until it can be sealed; `None`: it cannot be.
pub(super) fn of(message: &Message, service: Service) -> Option<Vec<u8>> {
    let fits = |message: &Message| json(message, service).is_some_and(|it| it.len() <= LARGEST);
    let fitting = fitting(message, fits)?;
    json(&fitting, service)
}

fn json(message: &Message, service: Service) -> Option<Vec<u8>> {
    let notify = message.purpose == Purpose::Notify;
    let visible = !notify && service == Service::Apple;
    let data = message.data.as_deref().filter(|_| notify);
    let payload = Payload {
        v: 1,
        purpose: message.purpose.as_str(),
        notification_id: message.id,
        tag: message.id,
        visible,
        class: notify.then_some(&message.class),
        kind: notify.then_some(&message.kind),
        title: (notify || visible).then_some(&message.title),
        body: message.body.as_deref().filter(|_| notify),
        link: message.link.as_deref().filter(|_| notify),
        data: data.and_then(|text| serde_json::from_str(text).ok()),
        badge: message.badge,
        urgent: notify && message.high,
    };
    serde_json::to_vec(&payload).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::push::tests::{message, withdrawal};

    fn read(message: &Message, service: Service) -> Value {
        serde_json::from_slice(&of(message, service).unwrap()).unwrap()
    }

    #[test]
    fn nothing_leaves_that_the_message_does_not_hold() {
        let id = message().id;
        assert_eq!(
            read(&message(), Service::Google),
            json!({"v": 1, "purpose": "notify", "notificationId": id, "tag": id, "class": "decision",
                   "kind": "NewTask", "title": "An approval is waiting", "urgent": true})
        );
        let mut full = message();
        full.body = Some("Travel, 3 days".to_owned());
        full.link = Some("/approvals/7".to_owned());
        full.data = Some(r#"{"n": 7}"#.to_owned());
        full.badge = Some(3);
        let read = read(&full, Service::Google);
        assert_eq!(read["data"], json!({"n": 7}));
        assert_eq!(
            (&read["body"], &read["badge"]),
            (&json!("Travel, 3 days"), &json!(3))
        );
    }

    #[test]
    fn a_withdrawal_says_the_id_alone_and_where_it_must_a_line() {
        let mut gone = withdrawal();
        gone.body = Some("secret".to_owned());
        gone.data = Some("{}".to_owned());
        let id = gone.id;
        assert_eq!(
            read(&gone, Service::Mozilla),
            json!({"v": 1, "purpose": "withdraw", "notificationId": id, "tag": id, "badge": 2})
        );
        assert_eq!(
            read(&gone, Service::Apple),
            json!({"v": 1, "purpose": "withdraw", "notificationId": id, "tag": id, "badge": 2,
                   "visible": true, "title": "Handled elsewhere"})
        );
    }

    #[test]
    fn what_escapes_to_more_than_fits_is_cut_too() {
        let mut rude = message();
        rude.title = "\u{1}".repeat(200); // six bytes each in JSON
        rude.body = Some("\u{2}".repeat(290));
        let read = read(&rude, Service::Other);
        assert_eq!(
            (&read["title"], &read["body"]),
            (&json!(rude.title), &Value::Null)
        );
    }
}
