//! Messages to JSON frames, separator included: ready to be shared and written as they are.
//!
//! Encode once, send the same [`Bytes`] to many.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::frame;
use crate::protocol::{Invocation, Message, Outcome, Payload};

/// All properties, in the order they are written; each message uses its few.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    r#type: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    invocation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a [&'a RawValue]>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stream_ids: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    allow_reconnect: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_id: Option<u64>,
}

/// A call that wants no answer: what servers mostly send.
pub fn invocation(target: &str, arguments: &[&RawValue]) -> Bytes {
    frame(&Wire {
        r#type: 1,
        target: Some(target),
        arguments: Some(arguments),
        ..Wire::default()
    })
}

/// The answer to the invocation `id`.
pub fn completion(id: &str, outcome: &Outcome) -> Bytes {
    let mut wire = Wire {
        r#type: 3,
        invocation_id: Some(id),
        ..Wire::default()
    };
    match outcome {
        Outcome::Void => {}
        Outcome::Value(value) => wire.result = Some(value.as_json()),
        Outcome::Error(error) => wire.error = Some(error),
    }
    frame(&wire)
}

/// The announcement that the sender leaves.
pub fn close(error: Option<&str>, allow_reconnect: bool) -> Bytes {
    frame(&Wire {
        r#type: 7,
        error,
        allow_reconnect,
        ..Wire::default()
    })
}

/// The sign of life.
pub fn ping() -> Bytes {
    Bytes::from_static(b"{\"type\":6}\x1e")
}

/// Any message.
pub fn message(message: &Message) -> Bytes {
    match message {
        Message::Invocation(call) => call_frame(1, call),
        Message::StreamInvocation(call) => call_frame(4, call),
        Message::StreamItem { id, item } => frame(&Wire {
            r#type: 2,
            invocation_id: Some(id),
            item: Some(item.as_json()),
            ..Wire::default()
        }),
        Message::Completion { id, outcome } => completion(id, outcome),
        Message::CancelInvocation { id } => frame(&Wire {
            r#type: 5,
            invocation_id: Some(id),
            ..Wire::default()
        }),
        Message::Ping => ping(),
        Message::Close {
            error,
            allow_reconnect,
        } => close(error.as_deref(), *allow_reconnect),
        Message::Ack { sequence_id } => numbered(8, *sequence_id),
        Message::Sequence { sequence_id } => numbered(9, *sequence_id),
    }
}

fn call_frame(kind: u8, call: &Invocation) -> Bytes {
    let arguments = call
        .arguments
        .iter()
        .map(Payload::as_json)
        .collect::<Vec<_>>();
    frame(&Wire {
        r#type: kind,
        invocation_id: call.id.as_deref(),
        target: Some(&call.target),
        arguments: Some(&arguments),
        stream_ids: &call.stream_ids,
        ..Wire::default()
    })
}

fn numbered(kind: u8, sequence_id: u64) -> Bytes {
    frame(&Wire {
        r#type: kind,
        sequence_id: Some(sequence_id),
        ..Wire::default()
    })
}
