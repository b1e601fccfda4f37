//! One frame to one message.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Name, fields, optional_string, parse, required, string};
use crate::protocol::{DecodeError, Invocation, Message, Outcome, Payload};

fields! {
    /// Everything some type of message uses.
    struct Fields {
        kind: "type",
        invocation_id: "invocationId",
        target: "target",
        arguments: "arguments",
        stream_ids: "streamIds",
        headers: "headers",
        item: "item",
        result: "result",
        error: "error",
        allow_reconnect: "allowReconnect",
        sequence_id: "sequenceId",
    }
}

/// Reads one frame. `None` is a message of a kind that later versions may define.
pub(crate) fn decode(frame: &[u8]) -> Result<Option<Message>, DecodeError> {
    let fields = parse::<Fields<'_>>(frame)?;
    let kind: i64 = typed("type", required("type", fields.kind)?)?;
    if (1..=5).contains(&kind) {
        headers(fields.headers)?;
    }
    let id = || string("invocationId", fields.invocation_id);
    Ok(Some(match kind {
        1 => Message::Invocation(invocation(&fields)?),
        2 => {
            let item = fields.item.ok_or(DecodeError::Missing("item"))?;
            Message::StreamItem {
                id: id()?,
                item: item.into(),
            }
        }
        3 => Message::Completion {
            id: id()?,
            outcome: outcome(&fields)?,
        },
        4 => {
            let call = invocation(&fields)?;
            call.id
                .as_ref()
                .ok_or(DecodeError::Missing("invocationId"))?;
            Message::StreamInvocation(call)
        }
        5 => Message::CancelInvocation { id: id()? },
        6 => Message::Ping,
        7 => Message::Close {
            error: optional_string("error", fields.error)?,
            allow_reconnect: fields
                .allow_reconnect
                .map_or(Ok(false), |raw| typed("allowReconnect", raw))?,
        },
        8 => Message::Ack {
            sequence_id: sequence_id(&fields)?,
        },
        9 => Message::Sequence {
            sequence_id: sequence_id(&fields)?,
        },
        _ => return Ok(None),
    }))
}

fn invocation(fields: &Fields<'_>) -> Result<Invocation, DecodeError> {
    let id = optional_string("invocationId", fields.invocation_id)?;
    let arguments: Arguments = typed("arguments", required("arguments", fields.arguments)?)?;
    let stream_ids: Option<Vec<String>> = fields
        .stream_ids
        .map_or(Ok(None), |raw| typed("streamIds", raw))?;
    Ok(Invocation {
        id: id.filter(|id| !id.is_empty()),
        target: string("target", fields.target)?,
        arguments: arguments.0,
        stream_ids: stream_ids.unwrap_or_default(),
    })
}

fn outcome(fields: &Fields<'_>) -> Result<Outcome, DecodeError> {
    let error = optional_string("error", fields.error)?;
    match (error, fields.result) {
        (None, None) => Ok(Outcome::Void),
        (None, Some(value)) => Ok(Outcome::Value(value.into())),
        (Some(error), None) => Ok(Outcome::Error(error)),
        (Some(_), Some(_)) => Err(DecodeError::ErrorAndResult),
    }
}

fn sequence_id(fields: &Fields<'_>) -> Result<u64, DecodeError> {
    typed("sequenceId", required("sequenceId", fields.sequence_id)?)
}

fn typed<'a, T: Deserialize<'a>>(name: &'static str, raw: &'a RawValue) -> Result<T, DecodeError> {
    serde_json::from_str(raw.get()).map_err(|_| DecodeError::WrongType(name))
}

/// Headers have no meaning yet; they must still be an object of strings.
fn headers(raw: Option<&RawValue>) -> Result<(), DecodeError> {
    let Some(raw) = raw else { return Ok(()) };
    let Headers = typed::<Option<Headers>>("headers", raw)?.unwrap_or(Headers);
    Ok(())
}

/// The elements, each copied once.
struct Arguments(Vec<Payload>);

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = Arguments;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Arguments, A::Error> {
                let mut arguments = Vec::new();
                while let Some(raw) = list.next_element::<&RawValue>()? {
                    arguments.push(Payload::from(raw));
                }
                Ok(Arguments(arguments))
            }
        }
        from.deserialize_seq(Elements)
    }
}

/// Looked through and not kept.
struct Headers;

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Strings;
        impl<'de> Visitor<'de> for Strings {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                while map.next_entry::<Name<'de>, Name<'de>>()?.is_some() {}
                Ok(Headers)
            }
        }
        from.deserialize_map(Strings)
    }
}
