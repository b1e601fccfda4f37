//! Messages to JSON frames, separator included: ready to be shared and written as they are.
//!
//! Written by hand and not through a serialised struct: payloads are copied in as they stand.

use bytes::Bytes;

use crate::protocol::{Invocation, Message, Outcome, Payload, SEPARATOR};

/// A call that wants no answer: what servers mostly send.
pub(crate) fn invocation(target: &str, arguments: &[Payload]) -> Bytes {
    call(1, None, target, arguments, &[])
}

/// The sign of life.
pub(crate) fn ping() -> Bytes {
    Bytes::from_static(b"{\"type\":6}\x1e")
}

/// Any message.
pub(crate) fn message(message: &Message) -> Bytes {
    match message {
        Message::Invocation(call) => any_call(1, call),
        Message::StreamInvocation(call) => any_call(4, call),
        Message::StreamItem { id, item } => {
            let mut out = Output::start(2, id.len() + item.len());
            out.text("invocationId", id);
            out.payload("item", item);
            out.finish()
        }
        Message::Completion { id, outcome } => completion(id, outcome),
        Message::CancelInvocation { id } => {
            let mut out = Output::start(5, id.len());
            out.text("invocationId", id);
            out.finish()
        }
        Message::Ping => ping(),
        Message::Close {
            error,
            allow_reconnect,
        } => {
            let mut out = Output::start(7, 0);
            if let Some(error) = error {
                out.text("error", error);
            }
            if *allow_reconnect {
                out.name("allowReconnect");
                out.0.extend_from_slice(b"true");
            }
            out.finish()
        }
        Message::Ack { sequence_id } => numbered(8, *sequence_id),
        Message::Sequence { sequence_id } => numbered(9, *sequence_id),
    }
}

fn any_call(kind: u8, message: &Invocation) -> Bytes {
    let Invocation {
        id,
        target,
        arguments,
        stream_ids,
    } = message;
    call(kind, id.as_deref(), target, arguments, stream_ids)
}

fn call(
    kind: u8,
    id: Option<&str>,
    target: &str,
    arguments: &[Payload],
    stream_ids: &[String],
) -> Bytes {
    let lengths = arguments.iter().map(|argument| argument.len() + 1);
    let mut out = Output::start(kind, target.len() + lengths.sum::<usize>());
    if let Some(id) = id {
        out.text("invocationId", id);
    }
    out.text("target", target);
    out.list("arguments", arguments, |out, argument| {
        out.extend_from_slice(argument.to_json().as_bytes());
    });
    if !stream_ids.is_empty() {
        out.list("streamIds", stream_ids, |out, id| string(out, id));
    }
    out.finish()
}

fn completion(id: &str, outcome: &Outcome) -> Bytes {
    let length = match outcome {
        Outcome::Void => 0,
        Outcome::Value(value) => value.len(),
        Outcome::Error(error) => error.len(),
    };
    let mut out = Output::start(3, id.len() + length);
    out.text("invocationId", id);
    match outcome {
        Outcome::Void => {}
        Outcome::Value(value) => out.payload("result", value),
        Outcome::Error(error) => out.text("error", error),
    }
    out.finish()
}

fn numbered(kind: u8, sequence_id: u64) -> Bytes {
    let mut out = Output::start(kind, 0);
    out.name("sequenceId");
    out.0.extend_from_slice(sequence_id.to_string().as_bytes());
    out.finish()
}

/// An object whose properties are being written.
struct Output(Vec<u8>);

impl Output {
    /// `expected` is about the length of what is not fixed text: a buffer that grows is copied.
    fn start(kind: u8, expected: usize) -> Self {
        let mut out = Vec::with_capacity(expected + 64);
        out.extend_from_slice(b"{\"type\":");
        out.push(b'0' + kind);
        Self(out)
    }

    fn name(&mut self, name: &'static str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn text(&mut self, name: &'static str, text: &str) {
        self.name(name);
        string(&mut self.0, text);
    }

    fn payload(&mut self, name: &'static str, payload: &Payload) {
        self.name(name);
        self.0.extend_from_slice(payload.to_json().as_bytes());
    }

    fn list<T>(&mut self, name: &'static str, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
        self.name(name);
        self.0.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.0.push(b',');
            }
            write(&mut self.0, item);
        }
        self.0.push(b']');
    }

    fn finish(mut self) -> Bytes {
        self.0.extend_from_slice(&[b'}', SEPARATOR]);
        self.0.into()
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string always serialises into memory");
}
