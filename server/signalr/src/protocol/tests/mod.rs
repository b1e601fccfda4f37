//! Vectors and properties of both protocols, the handshake, framing and the negotiate answer.
//!
//! The vectors are our own, made from what is publicly known of the protocol and seen on the wire.

mod handshake;
mod json;
mod json_refused;
#[cfg(feature = "messagepack")]
mod messagepack;
#[cfg(feature = "messagepack")]
mod messagepack_refused;
mod negotiation;
mod properties;

use serde_json::value::RawValue;

use super::*;

/// A payload of JSON text as it stands.
fn payload(json: &str) -> Payload {
    Payload::from(RawValue::from_string(json.to_owned()).unwrap())
}

/// A call of `Send`.
fn call(id: Option<&str>, arguments: &[&str], stream_ids: &[&str]) -> Invocation {
    Invocation {
        id: id.map(str::to_owned),
        target: "Send".to_owned(),
        arguments: arguments.iter().copied().map(payload).collect(),
        stream_ids: stream_ids.iter().copied().map(str::to_owned).collect(),
    }
}

fn invocation(id: Option<&str>, arguments: &[&str], stream_ids: &[&str]) -> Message {
    Message::Invocation(call(id, arguments, stream_ids))
}

fn stream(id: &str, arguments: &[&str], stream_ids: &[&str]) -> Message {
    Message::StreamInvocation(call(Some(id), arguments, stream_ids))
}

fn item(id: &str, json: &str) -> Message {
    Message::StreamItem {
        id: id.to_owned(),
        item: payload(json),
    }
}

fn completion(id: &str, outcome: Outcome) -> Message {
    Message::Completion {
        id: id.to_owned(),
        outcome,
    }
}

fn value(id: &str, json: &str) -> Message {
    completion(id, Outcome::Value(payload(json)))
}

fn failure(id: &str, error: &str) -> Message {
    completion(id, Outcome::Error(error.to_owned()))
}

fn void(id: &str) -> Message {
    completion(id, Outcome::Void)
}

fn cancel(id: &str) -> Message {
    Message::CancelInvocation { id: id.to_owned() }
}

fn close(error: Option<&str>, allow_reconnect: bool) -> Message {
    Message::Close {
        error: error.map(str::to_owned),
        allow_reconnect,
    }
}

fn ack(sequence_id: u64) -> Message {
    Message::Ack { sequence_id }
}

fn sequence(sequence_id: u64) -> Message {
    Message::Sequence { sequence_id }
}
