//! One frame to one message.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Name, fields, optional_string, parse, required, string};
use crate::protocol::{
    DecodeError, Invocation, Message, Outcome, Payload,
    error::{MAX_DEPTH, MAX_ELEMENTS},
};

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
    shallow(frame)?;
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
    let arguments: List<Payload> = typed("arguments", required("arguments", fields.arguments)?)?;
    let stream_ids: Option<List<String>> = fields
        .stream_ids
        .map_or(Ok(None), |raw| typed("streamIds", raw))?;
    Ok(Invocation {
        id: id.filter(|id| !id.is_empty()),
        target: string("target", fields.target)?,
        arguments: arguments.of("arguments")?,
        stream_ids: stream_ids.map_or(Ok(Vec::new()), |ids| ids.of("streamIds"))?,
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

/// Refuses what is nested too deep: the parser skips values without a limit.
fn shallow(frame: &[u8]) -> Result<(), DecodeError> {
    // The message and its list of arguments come on top.
    const MOST: usize = MAX_DEPTH + 2;
    if frame.len() <= 2 * MOST {
        return Ok(()); // each level has a beginning and an end
    }
    let (mut depth, mut text, mut escaped) = (0_usize, false, false);
    for byte in frame {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if text => escaped = true,
            b'"' => text = !text,
            b'[' | b'{' if !text => {
                depth += 1;
                if depth > MOST {
                    return Err(DecodeError::TooDeep);
                }
            }
            b']' | b'}' if !text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// The elements, each copied once; `None` if there are too many.
struct List<T>(Option<Vec<T>>);

impl<T> List<T> {
    fn of(self, name: &'static str) -> Result<Vec<T>, DecodeError> {
        self.0.ok_or(DecodeError::TooMany(name))
    }
}

/// An element of a list.
trait Element<'de>: Sized {
    type Raw: Deserialize<'de>;
    fn from_raw(raw: Self::Raw) -> Self;
}

impl<'de> Element<'de> for Payload {
    type Raw = &'de RawValue;

    fn from_raw(raw: &'de RawValue) -> Self {
        Self::from(raw)
    }
}

impl Element<'_> for String {
    type Raw = Self;

    fn from_raw(raw: Self) -> Self {
        raw
    }
}

impl<'de, T: Element<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Elements<T>(PhantomData<T>);
        impl<'de, T: Element<'de>> Visitor<'de> for Elements<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<T>, A::Error> {
                let mut elements = Vec::new();
                while let Some(raw) = list.next_element::<T::Raw>()? {
                    if elements.len() == MAX_ELEMENTS {
                        while list.next_element::<IgnoredAny>()?.is_some() {}
                        return Ok(List(None));
                    }
                    elements.push(T::from_raw(raw));
                }
                Ok(List(Some(elements)))
            }
        }
        from.deserialize_seq(Elements(PhantomData))
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
