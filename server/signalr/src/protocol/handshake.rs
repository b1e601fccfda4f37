//! The first message of each side: always JSON, whatever is spoken afterwards.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    DecodeError,
    json::{self, fields},
};

fields! {
    /// Properties of both handshake messages; others are skipped, of a double the last counts.
    struct HandshakeFields {
        protocol: "protocol",
        version: "version",
        error: "error",
    }
}

/// What the client wants to speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeRequest {
    /// The name as the client spelled it, see [`super::Protocol::by_name`].
    pub protocol: String,
    /// The version of that protocol.
    pub version: u32,
}

impl HandshakeRequest {
    /// Reads a frame.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let fields = json::parse::<HandshakeFields<'_>>(frame)?;
        let protocol = json::string("protocol", fields.protocol)?;
        let version = json::required("version", fields.version)?;
        let version = serde_json::from_str(version.get());
        Ok(Self {
            protocol,
            version: version.map_err(|_| DecodeError::WrongType("version"))?,
        })
    }

    /// Writes it, separator included.
    pub fn encode(&self) -> Bytes {
        json::frame(&serde_json::json!({ "protocol": self.protocol, "version": self.version }))
    }
}

/// The server's answer: no error means go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandshakeResponse {
    /// Why the server will close now.
    pub error: Option<String>,
}

impl HandshakeResponse {
    /// Reads a frame.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let fields = json::parse::<HandshakeFields<'_>>(frame)?;
        Ok(Self {
            error: json::optional_string("error", fields.error)?,
        })
    }

    /// Writes it, separator included. Success is `{}`.
    pub fn encode(&self) -> Bytes {
        match &self.error {
            None => Bytes::from_static(b"{}\x1e"),
            Some(error) => json::frame(&serde_json::json!({ "error": error })),
        }
    }
}
