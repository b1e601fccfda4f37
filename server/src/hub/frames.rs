//! A notification as the hub says it: its kind is the invoked method, or `Notification` where the tenant does not
//! know the kind; its one argument the data plus `notificationId, seq, kind, title, body, timestamp, replayed`
//! (`docs/integrators/protocol.md`).

use std::sync::OnceLock;

use app::model::inbox::Severity;
use app::protocol::Patch;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::value::RawValue;
use signalr::protocol::{Broadcast, Frames, Invocation, Message, Payload, Protocol};
use uuid::Uuid;

use super::line::Encoding;
use super::stream::event;
use crate::store::replay::Owed;

/// What is the same for all recipients, written once; the recipient's number is put in between.
#[derive(Debug)]
pub(crate) struct Template {
    method: String,
    /// `{"documentId":7,"notificationId":"…",…,"seq":`
    head: String,
    /// A withdrawal: clients act on it and need not acknowledge it.
    pub(crate) hidden: bool,
}

/// How a connection wants its items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) encoding: Encoding,
    /// Each as a `Notification`.
    pub(crate) as_notification: bool,
    /// Each with an id, so that its handler's result comes back. Not withdrawals: nobody acknowledges those.
    pub(crate) results: bool,
}

/// Begins the ids of invocations whose results acknowledge. No client makes such ids for its own streams: the official
/// ones count.
const RESULT: &str = "item-";

fn result_id(seq: i64) -> String {
    format!("{RESULT}{seq}")
}

/// The number of the item that an id was made for, if it was made here.
pub(crate) fn item_of(id: &str) -> Option<i64> {
    id.strip_prefix(RESULT)?.parse().ok()
}

/// The facts a template is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) id: Uuid,
    pub(crate) at: Timestamp,
    pub(crate) kind: &'a str,
    /// The kind is a method of its own (`Classes::has_method`).
    pub(crate) has_method: bool,
    pub(crate) title: &'a str,
    pub(crate) body: &'a str,
    /// A JSON object without reserved names.
    pub(crate) data: &'a str,
    pub(crate) severity: Severity,
    pub(crate) thread_key: Option<&'a str>,
    /// Outer id of whom the recipient stands in for.
    pub(crate) on_behalf_of: Option<&'a str>,
}

impl<'a> Facts<'a> {
    /// Of what is read again.
    pub(crate) fn of(owed: &'a Owed, has_method: bool) -> Self {
        Self {
            id: owed.id,
            at: owed.at,
            kind: &owed.kind,
            has_method,
            title: &owed.title,
            body: &owed.body,
            data: &owed.data,
            severity: crate::store::ledger::severity_of(&owed.severity),
            thread_key: owed.thread_key.as_deref(),
            on_behalf_of: owed.on_behalf_of.as_deref(),
        }
    }
}

impl Template {
    pub(crate) fn new(facts: Facts<'_>) -> Self {
        let inner = facts.data.trim();
        let inner = inner.strip_prefix('{').unwrap_or(inner);
        let inner = inner.strip_suffix('}').unwrap_or(inner).trim();
        let mut head =
            String::with_capacity(inner.len() + facts.title.len() + facts.body.len() + 256);
        head.push('{');
        if !inner.is_empty() {
            head.push_str(inner);
            head.push(',');
        }
        for (name, value) in [
            ("notificationId", facts.id.hyphenated().to_string().as_str()),
            ("kind", facts.kind),
            ("title", facts.title),
            ("body", facts.body),
            ("acceptedAt", &facts.at.to_string()),
            (
                "severity",
                crate::store::ledger::severity_word(facts.severity),
            ),
        ] {
            // The data's own fields win; only the reserved names are surely free (draft.rs).
            if matches!(name, "acceptedAt" | "severity") && has(inner, name) {
                continue;
            }
            push(&mut head, name, value);
        }
        if !has(inner, "timestamp") {
            push(&mut head, "timestamp", &facts.at.to_string());
        }
        if let Some(thread) = facts.thread_key
            && !has(inner, "threadKey")
        {
            push(&mut head, "threadKey", thread);
        }
        if let Some(user) = facts.on_behalf_of
            && !has(inner, "onBehalfOf")
        {
            push(&mut head, "onBehalfOf", user);
        }
        head.push_str("\"seq\":");
        Self {
            method: if facts.has_method {
                facts.kind
            } else {
                app::protocol::NOTIFICATION
            }
            .to_owned(),
            head,
            hidden: facts.kind == app::protocol::WITHDRAWN,
        }
    }

    /// The one argument, as JSON.
    pub(crate) fn argument(&self, seq: i64, replayed: bool) -> String {
        format!("{}{seq},\"replayed\":{replayed}}}", self.head)
    }

    /// Whether its handler's result is asked for.
    pub(crate) fn wants_result(&self, style: Style) -> bool {
        style.results && !self.hidden
    }

    /// The whole message for one recipient.
    pub(crate) fn frame(&self, style: Style, seq: i64, replayed: bool) -> Bytes {
        let json = self.argument(seq, replayed);
        let target = if style.as_notification {
            app::protocol::NOTIFICATION
        } else {
            &self.method
        };
        match style.encoding {
            Encoding::Hub(protocol) => {
                let argument =
                    RawValue::from_string(json).map_or_else(|_| Payload::null(), Payload::from);
                protocol.encode(&Message::Invocation(Invocation {
                    id: self.wants_result(style).then(|| result_id(seq)),
                    target: target.to_owned(),
                    arguments: vec![argument],
                    stream_ids: Vec::new(),
                }))
            }
            Encoding::Events { epoch } => event::event(Some((epoch, seq)), target, &json),
        }
    }
}

/// Is there such a name at the top of this object's inside? Only the top: a nested one is theirs.
fn has(inner: &str, name: &str) -> bool {
    if !inner.contains(name) {
        return false; // the usual case, without parsing
    }
    serde_json::from_str::<std::collections::HashMap<String, serde_json::Value>>(&format!(
        "{{{inner}}}"
    ))
    .is_ok_and(|names| names.contains_key(name))
}

fn push(out: &mut String, name: &str, value: &str) {
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
    // Writing a string as JSON cannot fail.
    out.push_str(&serde_json::to_string(value).unwrap_or_default());
    out.push(',');
}

/// A call of a client method with one argument.
pub(crate) fn invocation<T: serde::Serialize + ?Sized>(
    encoding: Encoding,
    target: &str,
    argument: &T,
) -> Bytes {
    ToMany::new(target, argument).frame(encoding)
}

/// The same for many connections, whatever they read; written at most once for each encoding.
#[derive(Debug)]
pub(crate) struct ToMany {
    call: Broadcast,
    /// Written by the first stream that is met.
    event: OnceLock<Bytes>,
}

impl ToMany {
    pub(crate) fn new<T: serde::Serialize + ?Sized>(target: &str, argument: &T) -> Self {
        let argument = Payload::of(argument).unwrap_or_else(|_| Payload::null());
        Self {
            call: Broadcast::call(target, vec![argument]),
            event: OnceLock::new(),
        }
    }

    pub(crate) fn frame(&self, encoding: Encoding) -> Bytes {
        match encoding {
            Encoding::Hub(protocol) => self.call.frame(protocol),
            Encoding::Events { .. } => self.event.get_or_init(|| self.event()).clone(),
        }
    }

    /// Without an id: it moves no cursor.
    fn event(&self) -> Bytes {
        let Message::Invocation(call) = self.call.message() else {
            return Bytes::new(); // it was made as a call
        };
        let argument = call.arguments.first().map(Payload::to_json);
        event::event(None, &call.target, argument.as_deref().unwrap_or("null"))
    }
}

/// The patch in a frame that [`invocation`] or [`ToMany`] made.
pub(crate) fn patch_of(protocol: Protocol, frame: &Bytes) -> Option<Patch> {
    let mut frames = Frames::new(frame.len());
    frames.speak(protocol);
    frames.push(frame.clone());
    let frame = frames.next_frame().ok()??;
    match protocol.decode(&frame).ok()?? {
        Message::Invocation(call) => call.arguments.first()?.read().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsent_patch_is_read_back_in_every_protocol() {
        let patch: Patch = serde_json::from_value(serde_json::json!({
            "topic": "inbox", "from": 1, "rev": 4_294_967_296_u64,
        }))
        .unwrap();
        for protocol in Protocol::ALL {
            let one = invocation(Encoding::Hub(*protocol), app::protocol::PATCH, &patch);
            assert_eq!(patch_of(*protocol, &one), Some(patch.clone()));
            assert_eq!(patch_of(*protocol, &protocol.ping()), None);
        }
    }

    /// A message to ten thousand connections is written once for each encoding they read.
    #[test]
    fn one_encoding_for_many_receivers() {
        let payload = RawValue::from_string(r#"{"n": [1]}"#.to_owned()).unwrap();
        let message = ToMany::new("Moved", &payload);
        let hub = Protocol::ALL.iter().map(|one| Encoding::Hub(*one));
        let events = Encoding::Events { epoch: 1 };
        for encoding in hub.chain([events]) {
            let (one, other) = (message.frame(encoding), message.frame(encoding));
            assert_eq!(one.as_ptr(), other.as_ptr());
        }
        let text = message.frame(Encoding::Hub(Protocol::Json));
        let call = r#"{"type":1,"target":"Moved","arguments":[{"n": [1]}]}"#;
        assert_eq!(text, format!("{call}\u{1e}"));
        assert_eq!(
            message.frame(events),
            "event: Moved\ndata: {\"n\": [1]}\n\n"
        );
    }

    #[test]
    fn an_event_carries_what_the_hub_would_and_its_cursor() {
        let facts = Facts {
            id: Uuid::from_u128(1),
            at: Timestamp::from_second(1_795_000_000).unwrap(),
            kind: "NewTask",
            has_method: true,
            title: "t",
            body: "",
            data: "{\n  \"a\": 1\n}",
            severity: Severity::Info,
            thread_key: None,
            on_behalf_of: None,
        };
        let template = Template::new(facts);
        let event = template.frame(style(Encoding::Events { epoch: 3 }, false), 42, true);
        let event = std::str::from_utf8(&event).unwrap();
        let (head, data) = event.split_once("\ndata: ").unwrap();
        assert_eq!(head, "id: 3:42\nevent: NewTask");
        let data = data.trim_end().replace("\ndata: ", "\n");
        let hub = template.frame(style(Encoding::Hub(Protocol::Json), true), 42, true);
        let hub = std::str::from_utf8(&hub)
            .unwrap()
            .trim_end_matches('\u{1e}');
        let hub: serde_json::Value = serde_json::from_str(hub).unwrap();
        let data: serde_json::Value = serde_json::from_str(&data).unwrap();
        assert_eq!(data, hub["arguments"][0]);
    }

    fn style(encoding: Encoding, as_notification: bool) -> Style {
        Style {
            encoding,
            as_notification,
            results: false,
        }
    }

    #[test]
    fn an_id_is_of_one_item() {
        assert_eq!(item_of(&result_id(42)), Some(42));
        for id in ["", "42", "item-", "item-x", "item-4.2", "0123.item-42"] {
            assert_eq!(item_of(id), None, "{id}");
        }
    }

    fn argument(data: &str) -> serde_json::Value {
        let facts = Facts {
            id: Uuid::from_u128(1),
            at: Timestamp::from_second(1_795_000_000).unwrap(),
            kind: "DocumentApproved",
            has_method: true,
            title: "a \"quoted\" title",
            body: "",
            data,
            severity: Severity::Info,
            thread_key: Some("request:1"),
            on_behalf_of: Some("u-7"),
        };
        let plain = style(Encoding::Hub(Protocol::Json), false);
        let frame = Template::new(facts).frame(plain, 42, true);
        let text = std::str::from_utf8(&frame)
            .unwrap()
            .trim_end_matches('\u{1e}');
        let message: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(message["target"], "DocumentApproved");
        message["arguments"][0].clone()
    }

    #[test]
    fn data_is_flattened_as_it_came_and_its_timestamp_wins() {
        let plain = argument(r#" { "documentId" : 7 , "nested": {"timestamp": 1} } "#);
        assert_eq!(plain["documentId"], 7);
        assert_eq!(plain["seq"], 42);
        assert_eq!(plain["replayed"], true);
        assert_eq!(plain["title"], "a \"quoted\" title");
        assert_eq!(plain["threadKey"], "request:1");
        assert_eq!(plain["onBehalfOf"], "u-7");
        assert_eq!(plain["timestamp"], plain["acceptedAt"]);
        assert_eq!(argument(r#"{"timestamp":"2020"}"#)["timestamp"], "2020");
        assert_eq!(argument("{}")["seq"], 42);
    }
}
