//! Which encoding a connection speaks after its handshake.

use bytes::Bytes;

#[cfg(feature = "messagepack")]
use super::messagepack;
use super::{DecodeError, Message, Payload, TransferFormat, json};

/// An encoding of [`Message`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// The JSON hub protocol.
    Json,
    /// The MessagePack hub protocol; with feature `messagepack`.
    #[cfg(feature = "messagepack")]
    MessagePack,
}

impl Protocol {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Json,
        #[cfg(feature = "messagepack")]
        Self::MessagePack,
    ];

    /// The protocol a handshake names; names are compared without regard to case.
    pub fn by_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|protocol| name.eq_ignore_ascii_case(protocol.name()))
    }

    /// Its name in a handshake.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            #[cfg(feature = "messagepack")]
            Self::MessagePack => "messagepack",
        }
    }

    /// The newest version of it that this crate speaks.
    ///
    /// Version 2 is version 1 with stateful reconnect. It is accepted also where resuming was not
    /// negotiated: neither side sends what version 2 adds then.
    pub fn newest_version(self) -> u32 {
        2
    }

    /// What a transport must be able to carry.
    pub fn transfer_format(self) -> TransferFormat {
        match self {
            Self::Json => TransferFormat::Text,
            #[cfg(feature = "messagepack")]
            Self::MessagePack => TransferFormat::Binary,
        }
    }

    /// Reads one frame. `None` is a message of an unknown kind: skip it.
    pub fn decode(self, frame: &[u8]) -> Result<Option<Message>, DecodeError> {
        match self {
            Self::Json => json::decode(frame),
            #[cfg(feature = "messagepack")]
            Self::MessagePack => messagepack::decode(frame),
        }
    }

    /// Writes one message, framing included. The bytes can be shared: encode once for many.
    pub fn encode(self, message: &Message) -> Bytes {
        match self {
            Self::Json => json::encode::message(message),
            #[cfg(feature = "messagepack")]
            Self::MessagePack => messagepack::encode::message(message),
        }
    }

    /// Writes a call that wants no answer, without a [`Message`] being made first.
    pub fn encode_call(self, target: &str, arguments: &[Payload]) -> Bytes {
        match self {
            Self::Json => json::encode::invocation(target, arguments),
            #[cfg(feature = "messagepack")]
            Self::MessagePack => messagepack::encode::invocation(target, arguments),
        }
    }

    /// [`Message::Ping`], written; costs nothing.
    pub fn ping(self) -> Bytes {
        match self {
            Self::Json => json::encode::ping(),
            #[cfg(feature = "messagepack")]
            Self::MessagePack => messagepack::encode::ping(),
        }
    }
}
