//! The codec as a filter, for comparison with other implementations (`end2end/signalr`).
//!
//! Each line on stdin is a JSON object with `do`, each gets one line on stdout; bytes are base64.
//!
//! | `do` | also in | out |
//! |---|---|---|
//! | `decode` | `protocol`, `bytes` | `messages`: each as the JSON protocol has it, with bytes as base64 strings |
//! | `encode` | `protocol`, `message`: as above, but bytes are `{"$bytes": base64}` | `bytes` |
//! | `carry` | `protocol`, `bytes`, `to`: a protocol | `bytes` |
//! | `request` | `bytes`: of a handshake request | `messages`: `[protocol, version]` |
//! | `response` | `message`: null or the error | `bytes` |
//!
//! What cannot be done is answered by `{"error": …}`.

use std::io::{BufRead, Write};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, value::RawValue};
use signalr::protocol::{
    Binary, Frames, HandshakeRequest, HandshakeResponse, Invocation, Message, Outcome, Payload,
    Protocol,
};

/// What is larger is refused, as on a connection.
const LIMIT: usize = 1024 * 1024;

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Task {
    Decode {
        protocol: String,
        bytes: String,
    },
    Encode {
        protocol: String,
        message: Said,
    },
    Carry {
        protocol: String,
        to: String,
        bytes: String,
    },
    Request {
        bytes: String,
    },
    Response {
        message: Option<String>,
    },
}

/// A message to be encoded.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Said {
    r#type: u8,
    invocation_id: Option<String>,
    #[serde(default)]
    target: String,
    #[serde(default)]
    arguments: Vec<Value>,
    #[serde(default)]
    stream_ids: Vec<String>,
    #[serde(default, deserialize_with = "given")]
    item: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    result: Option<Value>,
    error: Option<String>,
    #[serde(default)]
    allow_reconnect: bool,
    #[serde(default)]
    sequence_id: u64,
}

/// A value is there even when it is null.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// Writes `{"$bytes": base64}` as bytes.
struct Marked<'a>(&'a Value);

impl Serialize for Marked<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => to.collect_seq(items.iter().map(Marked)),
            Value::Object(map) => {
                if let Some(bytes) = map.get("$bytes").and_then(Value::as_str) {
                    let bytes = BASE64_STANDARD.decode(bytes);
                    return Binary(bytes.map_err(serde::ser::Error::custom)?).serialize(to);
                }
                to.collect_map(map.iter().map(|(name, value)| (name, Marked(value))))
            }
            plain => plain.serialize(to),
        }
    }
}

/// One line out; what does not apply is left out.
#[derive(Default, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<Box<RawValue>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = answer(&line?).unwrap_or_else(|error| Answer {
            error: Some(error.to_string()),
            ..Answer::default()
        });
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn answer(line: &str) -> Result<Answer, Failure> {
    Ok(match serde_json::from_str(line)? {
        Task::Decode { protocol, bytes } => {
            let messages = decode(named(&protocol)?, &bytes)?;
            read(messages.iter().map(shown).collect::<Result<_, _>>()?)
        }
        Task::Encode { protocol, message } => {
            written(&named(&protocol)?.encode(&message.try_into()?))
        }
        Task::Carry {
            protocol,
            to,
            bytes,
        } => {
            let to = named(&to)?;
            let messages = decode(named(&protocol)?, &bytes)?;
            let frames = messages.iter().map(|message| to.encode(message));
            written(&frames.collect::<Vec<_>>().concat())
        }
        Task::Request { bytes } => {
            let mut frames = Frames::new(LIMIT);
            frames.push(BASE64_STANDARD.decode(bytes)?.into());
            let frame = frames.next_frame()?.ok_or("no whole frame")?;
            let request = HandshakeRequest::decode(&frame)?;
            let protocol = serde_json::value::to_raw_value(&request.protocol)?;
            let version = serde_json::value::to_raw_value(&request.version)?;
            read(vec![protocol, version])
        }
        Task::Response { message } => written(&HandshakeResponse { error: message }.encode()),
    })
}

fn named(protocol: &str) -> Result<Protocol, Failure> {
    Protocol::by_name(protocol).ok_or_else(|| "no such protocol".into())
}

fn written(bytes: &[u8]) -> Answer {
    Answer {
        bytes: Some(BASE64_STANDARD.encode(bytes)),
        ..Answer::default()
    }
}

fn read(messages: Vec<Box<RawValue>>) -> Answer {
    Answer {
        messages: Some(messages),
        ..Answer::default()
    }
}

fn decode(protocol: Protocol, bytes: &str) -> Result<Vec<Message>, Failure> {
    let mut frames = Frames::new(LIMIT);
    frames.speak(protocol);
    frames.push(Bytes::from(BASE64_STANDARD.decode(bytes)?));
    let mut messages = Vec::new();
    while let Some(frame) = frames.next_frame()? {
        messages.extend(protocol.decode(&frame)?);
    }
    if frames.is_mid_message() {
        return Err("the last message is cut off".into());
    }
    Ok(messages)
}

/// Through the JSON codec only as text: its own reading of it is not asked.
fn shown(message: &Message) -> Result<Box<RawValue>, Failure> {
    let frame = Protocol::Json.encode(message);
    let text = std::str::from_utf8(&frame)?;
    Ok(RawValue::from_string(
        text.trim_end_matches('\u{1e}').to_owned(),
    )?)
}

impl TryFrom<Said> for Message {
    type Error = Failure;

    fn try_from(said: Said) -> Result<Self, Failure> {
        let id = said.invocation_id;
        let needed = || id.clone().ok_or("no invocationId");
        let payload = |value: &Value| Payload::of(&Marked(value));
        let call = || -> Result<Invocation, Failure> {
            let arguments = said.arguments.iter().map(payload);
            Ok(Invocation {
                id: id.clone(),
                target: said.target.clone(),
                arguments: arguments.collect::<Result<_, _>>()?,
                stream_ids: said.stream_ids.clone(),
            })
        };
        Ok(match said.r#type {
            1 => Self::Invocation(call()?),
            2 => Self::StreamItem {
                id: needed()?,
                item: payload(&said.item.ok_or("no item")?)?,
            },
            3 => Self::Completion {
                id: needed()?,
                outcome: match (said.error, said.result) {
                    (Some(error), _) => Outcome::Error(error),
                    (None, Some(value)) => Outcome::Value(payload(&value)?),
                    (None, None) => Outcome::Void,
                },
            },
            4 => Self::StreamInvocation(call()?),
            5 => Self::CancelInvocation { id: needed()? },
            6 => Self::Ping,
            7 => Self::Close {
                error: said.error,
                allow_reconnect: said.allow_reconnect,
            },
            8 => Self::Ack {
                sequence_id: said.sequence_id,
            },
            9 => Self::Sequence {
                sequence_id: said.sequence_id,
            },
            _ => return Err("no such type".into()),
        })
    }
}
