//! Which encoding a connection speaks after its handshake.

use bytes::Bytes;

use super::{DecodeError, Message, TransferFormat, json};

/// An encoding of [`Message`]s. MessagePack will be the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// The JSON hub protocol.
    Json,
}

impl Protocol {
    /// The protocol a handshake names; names are compared without regard to case.
    pub fn by_name(name: &str) -> Option<Self> {
        name.eq_ignore_ascii_case("json").then_some(Self::Json)
    }

    /// Its name in a handshake.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
        }
    }

    /// The newest version of it that this crate speaks.
    ///
    /// Version 2 is version 1 with stateful reconnect. It is accepted also where resuming was not
    /// negotiated: neither side sends what version 2 adds then.
    pub fn newest_version(self) -> u32 {
        match self {
            Self::Json => 2,
        }
    }

    /// What a transport must be able to carry.
    pub fn transfer_format(self) -> TransferFormat {
        match self {
            Self::Json => TransferFormat::Text,
        }
    }

    /// Reads one frame. `None` is a message of an unknown kind: skip it.
    pub fn decode(self, frame: &[u8]) -> Result<Option<Message>, DecodeError> {
        match self {
            Self::Json => json::decode(frame),
        }
    }

    /// Writes one message, framing included.
    pub fn encode(self, message: &Message) -> Bytes {
        match self {
            Self::Json => json::encode::message(message),
        }
    }
}
