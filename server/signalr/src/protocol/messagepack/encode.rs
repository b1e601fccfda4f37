//! Messages to MessagePack frames, length prefix included: ready to be shared and written as they
//! are.
//!
//! As .NET writes them: invocations always have their six places and Close its three.

use bytes::{Buf, Bytes};
use rmp::encode as write;

use crate::protocol::{Invocation, Message, Outcome, Payload, length};

/// A call that wants no answer: what servers mostly send.
pub(crate) fn invocation(target: &str, arguments: &[Payload]) -> Bytes {
    let mut out = Output::new(target.len() + lengths(arguments));
    out.call(1, None, target, arguments, &[]);
    out.finish()
}

/// The sign of life: `[6]`.
pub(crate) fn ping() -> Bytes {
    Bytes::from_static(&[2, 0x91, 0x06])
}

/// Any message.
pub(crate) fn message(message: &Message) -> Bytes {
    let mut out = Output::new(expected(message));
    match message {
        Message::Invocation(call) => out.invocation(1, call),
        Message::StreamItem { id, item } => {
            out.start(2, 4);
            out.text(id);
            item.write_messagepack(&mut out.0);
        }
        Message::Completion { id, outcome } => out.completion(id, outcome),
        Message::StreamInvocation(call) => out.invocation(4, call),
        Message::CancelInvocation { id } => {
            out.start(5, 3);
            out.text(id);
        }
        Message::Ping => return ping(),
        Message::Close {
            error,
            allow_reconnect,
        } => {
            out.bare(7, 3);
            out.optional_text(error.as_deref());
            infallible(write::write_bool(&mut out.0, *allow_reconnect));
        }
        Message::Ack { sequence_id } => {
            out.bare(8, 2);
            infallible(write::write_uint(&mut out.0, *sequence_id));
        }
        Message::Sequence { sequence_id } => {
            out.bare(9, 2);
            infallible(write::write_uint(&mut out.0, *sequence_id));
        }
    }
    out.finish()
}

/// About how long a message will be: a buffer that grows is copied.
fn expected(message: &Message) -> usize {
    match message {
        Message::Invocation(call) | Message::StreamInvocation(call) => {
            call.target.len() + lengths(&call.arguments)
        }
        Message::StreamItem { item: payload, .. }
        | Message::Completion {
            outcome: Outcome::Value(payload),
            ..
        } => payload.len(),
        Message::Completion {
            outcome: Outcome::Error(text),
            ..
        } => text.len(),
        _ => 0,
    }
}

fn lengths(arguments: &[Payload]) -> usize {
    arguments.iter().map(Payload::len).sum()
}

/// The message after a gap for its length.
struct Output(Vec<u8>);

impl Output {
    fn new(expected: usize) -> Self {
        let mut out = Vec::with_capacity(expected + 64);
        out.resize(length::MAX_BYTES, 0);
        Self(out)
    }

    fn finish(mut self) -> Bytes {
        let body = self.0.len() - length::MAX_BYTES;
        let prefix = length::encode(body);
        let start = length::MAX_BYTES - prefix.len();
        self.0
            .iter_mut()
            .skip(start)
            .zip(prefix.as_ref())
            .for_each(|(gap, byte)| *gap = *byte);
        let mut frame = Bytes::from(self.0);
        frame.advance(start);
        frame
    }

    /// Kinds that have no headers.
    fn bare(&mut self, kind: u8, places: u32) {
        infallible(write::write_array_len(&mut self.0, places));
        infallible(write::write_pfix(&mut self.0, kind));
    }

    fn start(&mut self, kind: u8, places: u32) {
        self.bare(kind, places);
        infallible(write::write_map_len(&mut self.0, 0));
    }

    fn text(&mut self, text: &str) {
        infallible(write::write_str(&mut self.0, text));
    }

    fn optional_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => infallible(write::write_nil(&mut self.0)),
        }
    }

    fn invocation(&mut self, kind: u8, call: &Invocation) {
        let Invocation {
            id,
            target,
            arguments,
            stream_ids,
        } = call;
        self.call(kind, id.as_deref(), target, arguments, stream_ids);
    }

    fn call(
        &mut self,
        kind: u8,
        id: Option<&str>,
        target: &str,
        arguments: &[Payload],
        stream_ids: &[String],
    ) {
        self.start(kind, 6);
        self.optional_text(id);
        self.text(target);
        infallible(write::write_array_len(&mut self.0, size(arguments.len())));
        for argument in arguments {
            argument.write_messagepack(&mut self.0);
        }
        infallible(write::write_array_len(&mut self.0, size(stream_ids.len())));
        for id in stream_ids {
            self.text(id);
        }
    }

    fn completion(&mut self, id: &str, outcome: &Outcome) {
        self.start(3, if *outcome == Outcome::Void { 4 } else { 5 });
        self.text(id);
        let kind = match outcome {
            Outcome::Error(_) => 1,
            Outcome::Void => 2,
            Outcome::Value(_) => 3,
        };
        infallible(write::write_pfix(&mut self.0, kind));
        match outcome {
            Outcome::Error(text) => self.text(text),
            Outcome::Void => {}
            Outcome::Value(value) => value.write_messagepack(&mut self.0),
        }
    }
}

/// A count as the format holds it. More would be a message of over 4 GiB, which no receiver takes.
pub(super) fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Writing into memory does not fail; the writers' results are for files and sockets.
pub(super) fn infallible<T, E>(result: Result<T, E>) {
    debug_assert!(result.is_ok(), "a vector takes everything");
    drop(result);
}
