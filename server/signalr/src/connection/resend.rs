//! Stateful reconnect, the way down: what was written and not acked, to be written again.
//!
//! Messages are numbered from 1 as they are handed to the transport; the number is nowhere but in
//! the order. Their bytes are shared with the other receivers.

use std::collections::VecDeque;

use bytes::Bytes;

use super::WriteMark;
use crate::protocol::{Frames, Message, Protocol, TransferFormat};

#[derive(Debug)]
pub(super) struct Resend {
    protocol: Protocol,
    /// Over this, nothing that counts is handed out.
    limit: usize,
    /// Messages put into the lossless lane up to here do not count: they came before.
    from: u64,
    /// Go first, and are lost with their socket: Sequence, Ack, Ping.
    control: VecDeque<Bytes>,
    /// With how many lossless messages had been handed out then, themselves included.
    unacked: VecDeque<(Bytes, u64)>,
    bytes: usize,
    /// Number of the first one in `unacked`, or of the next message.
    first: u64,
    /// Of `unacked`, how many the current socket has been given.
    given: usize,
    /// Nothing is kept any more.
    gave_up: bool,
}

impl Resend {
    pub(super) fn new(protocol: Protocol, limit: usize, from: u64) -> Self {
        Self {
            protocol,
            limit,
            from,
            control: VecDeque::new(),
            unacked: VecDeque::new(),
            bytes: 0,
            first: 1,
            given: 0,
            gave_up: false,
        }
    }

    /// Forgets what the client has not confirmed and keeps nothing more. `false` if it was so before.
    pub(super) fn give_up(&mut self) -> bool {
        self.unacked = VecDeque::new();
        (self.bytes, self.given) = (0, 0);
        !std::mem::replace(&mut self.gave_up, true)
    }

    pub(super) fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// The number of the first message that is not confirmed.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn put_control(&mut self, message: Bytes) {
        self.control.push_back(message);
    }

    /// Whether more that counts may be handed out.
    pub(super) fn has_room(&self) -> bool {
        self.bytes <= self.limit
    }

    /// What goes before anything new: control messages, then what the client missed. Stops at about
    /// `size` bytes; `true` if nothing is left.
    pub(super) fn take(&mut self, into: &mut VecDeque<Bytes>, size: usize) -> bool {
        into.extend(std::mem::take(&mut self.control));
        let mut taken = 0;
        while let Some((message, _)) = self.unacked.get(self.given) {
            if taken > 0 && taken + message.len() > size {
                return false;
            }
            taken += message.len();
            into.push_back(message.clone());
            self.given += 1;
        }
        true
    }

    /// Keeps a message that is handed out, if it counts. `put` is its place in the lossless lane,
    /// `None` if it comes from the other.
    pub(super) fn keep(&mut self, message: &Bytes, put: Option<u64>, taken: u64) {
        if self.gave_up
            || put.is_some_and(|put| put <= self.from)
            || !counts(self.protocol, message)
        {
            return;
        }
        self.bytes += message.len();
        self.unacked.push_back((message.clone(), taken));
        self.given = self.unacked.len();
    }

    /// The client has everything up to `number`. Answers what that proves, if it is news.
    pub(super) fn ack(&mut self, number: u64) -> Option<WriteMark> {
        let mut proved = None;
        while self.first <= number
            && let Some((message, taken)) = self.unacked.pop_front()
        {
            self.first += 1;
            self.bytes -= message.len();
            self.given = self.given.saturating_sub(1);
            proved = Some(WriteMark(taken));
        }
        if self.unacked.is_empty() {
            self.unacked = VecDeque::new();
        }
        proved
    }

    /// A new socket: first of all it gets a Sequence, then all that is not acked. Answers how much.
    pub(super) fn rewind(&mut self) -> u64 {
        let sequence = Message::Sequence {
            sequence_id: self.first,
        };
        self.control = VecDeque::from([self.protocol.encode(&sequence)]);
        self.given = 0;
        u64::try_from(self.unacked.len()).unwrap_or(u64::MAX)
    }
}

/// Whether a framed message is of types 1 to 5. The host sends bytes, which may be anything: a ping
/// that was counted would put the two sides out of step.
fn counts(protocol: Protocol, message: &Bytes) -> bool {
    let kind = match protocol.transfer_format() {
        TransferFormat::Text => text_kind(message),
        TransferFormat::Binary => binary_kind(message),
    };
    if let Some(kind) = kind {
        return (1..=5).contains(&kind);
    }
    // Not as this crate writes it.
    let mut frames = Frames::new(message.len());
    frames.speak(protocol);
    frames.push(message.clone());
    let decoded = frames.next_frame().ok().flatten();
    // No client counts what it cannot read.
    match decoded.and_then(|frame| protocol.decode(&frame).ok()?) {
        Some(
            Message::Ping | Message::Close { .. } | Message::Ack { .. } | Message::Sequence { .. },
        )
        | None => false,
        Some(_) => true,
    }
}

/// The type, if it is the first property and has one digit.
fn text_kind(message: &[u8]) -> Option<u8> {
    match message.strip_prefix(b"{\"type\":")? {
        [kind @ b'0'..=b'9', b',' | b'}', ..] => Some(kind - b'0'),
        _ => None,
    }
}

/// The type, if it is the first item of a short array: after the length, whose last byte is the first
/// without the highest bit.
fn binary_kind(message: &[u8]) -> Option<u8> {
    let prefix = message.iter().position(|byte| byte & 0x80 == 0)?;
    match message.get(prefix + 1..)? {
        [0x90..=0x9f, kind @ 0..=0x7f, ..] => Some(*kind),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: u8) -> Bytes {
        format!("{{\"type\":5,\"invocationId\":\"{id}\"}}\u{1e}").into()
    }

    fn take(resend: &mut Resend) -> VecDeque<Bytes> {
        let mut all = VecDeque::new();
        while !resend.take(&mut all, 1) {}
        all
    }

    #[test]
    fn what_is_not_acked_is_written_again_after_its_sequence() {
        let mut resend = Resend::new(Protocol::Json, 100, 1);
        resend.keep(&"{}\u{1e}".into(), Some(1), 1);
        for id in 1..=3 {
            let put = u64::from(id) + 1;
            resend.keep(&item(id), Some(put), put);
        }
        assert!(take(&mut resend).is_empty());
        assert_eq!(resend.ack(1), Some(WriteMark(2)));
        assert_eq!(resend.ack(1), None, "no news");
        assert_eq!(resend.rewind(), 2);
        resend.put_control("ping".into());
        let sequence = "{\"type\":9,\"sequenceId\":2}\u{1e}";
        assert_eq!(
            take(&mut resend),
            [sequence.into(), "ping".into(), item(2), item(3)]
        );
        assert_eq!(resend.ack(99), Some(WriteMark(4)), "more than was sent");
        assert_eq!(resend.rewind(), 0);
        assert_eq!(take(&mut resend), ["{\"type\":9,\"sequenceId\":4}\u{1e}"]);
    }

    #[test]
    fn an_ack_in_the_middle_of_a_replay_does_not_skip_anything() {
        let mut resend = Resend::new(Protocol::Json, 10, 0);
        for id in 1..=4 {
            resend.keep(&item(id), Some(id.into()), id.into());
        }
        assert!(!resend.has_room());
        resend.rewind();
        let mut first = VecDeque::new();
        assert!(!resend.take(&mut first, item(1).len() * 2));
        assert_eq!(first.split_off(1), [item(1), item(2)]);
        resend.ack(1);
        assert_eq!(take(&mut resend), [item(3), item(4)]);
        resend.ack(4);
        assert!(resend.has_room());
    }

    #[test]
    fn only_types_1_to_5_count_however_they_are_written() {
        for (text, counted) in [
            ("{\"type\":1,\"target\":\"t\",\"arguments\":[]}", true),
            ("{\"target\":\"t\",\"arguments\":[],\"type\":1}", true),
            ("{ \"type\" : 3, \"invocationId\" : \"1\" }", true),
            ("{\"type\":6}", false),
            ("{\"type\": 6}", false),
            ("{\"type\":7}", false),
            ("{\"type\":8,\"sequenceId\":1}", false),
            ("{\"type\":12}", false),
            ("nonsense", false),
        ] {
            let message = Bytes::from(format!("{text}\u{1e}"));
            assert_eq!(counts(Protocol::Json, &message), counted, "{text}");
        }
        for (message, counted) in [
            (Message::Ping, false),
            (Message::Ack { sequence_id: 300 }, false),
            (
                Message::CancelInvocation {
                    id: "x".repeat(500),
                },
                true,
            ),
        ] {
            let message = Protocol::MessagePack.encode(&message);
            assert_eq!(counts(Protocol::MessagePack, &message), counted);
        }
    }
}
