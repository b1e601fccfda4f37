//! One message to many connections, whatever they speak.

use std::sync::OnceLock;

use bytes::Bytes;

use super::{Message, Payload, Protocol};

/// A message that is encoded at most once for each protocol, when the first connection that speaks
/// it is met. All connections share the bytes.
///
/// ```
/// # use signalr::protocol::{Broadcast, Payload, Protocol};
/// let said = Broadcast::call("Said", vec![Payload::of("hello").unwrap()]);
/// let frame = said.frame(Protocol::Json);
/// assert_eq!(frame, "{\"type\":1,\"target\":\"Said\",\"arguments\":[\"hello\"]}\u{1e}");
/// assert_eq!(frame.as_ptr(), said.frame(Protocol::Json).as_ptr());
/// ```
#[derive(Debug)]
pub struct Broadcast {
    message: Message,
    /// One for each protocol. Written by the first to ask, dropped with the broadcast.
    frames: [OnceLock<Bytes>; Protocol::ALL.len()],
}

impl Broadcast {
    /// Any message. An id in it is the same for all receivers.
    pub fn new(message: Message) -> Self {
        Self {
            message,
            frames: Default::default(),
        }
    }

    /// A call that wants no answer.
    pub fn call(target: impl Into<String>, arguments: Vec<Payload>) -> Self {
        Self::new(Message::call(target, arguments))
    }

    /// What is sent.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// It, written for connections that speak `protocol`, framing included.
    pub fn frame(&self, protocol: Protocol) -> Bytes {
        let encode = || protocol.encode(&self.message);
        match self.frames.get(protocol as usize) {
            Some(frame) => frame.get_or_init(encode).clone(),
            None => encode(),
        }
    }
}
