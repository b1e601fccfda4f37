//! The hub protocol: bytes to [`Message`]s and back, in both directions.
//!
//! Guarantees: no input makes it panic, decoding never copies payloads more than once, and no error
//! carries a piece of the payload, so errors may be logged and sent to the peer as they are.
//! Called by this crate's server and by clients, also in wasm: it does no I/O and keeps no clock.
//!
//! A connection's input goes through [`Frames`] (byte stream to frames); the first frame is a
//! [`HandshakeRequest`] that names the [`Protocol`], each later one is for [`Protocol::decode`]. What
//! hub code sends to many is a [`Broadcast`].

mod broadcast;
mod error;
mod framing;
mod handshake;
pub(crate) mod json;
mod length;
mod message;
#[cfg(feature = "messagepack")]
mod messagepack;
mod negotiation;
mod payload;
mod selection;

pub use broadcast::Broadcast;
pub use error::DecodeError;
pub use framing::{FrameTooLarge, Frames, SEPARATOR};
pub use handshake::{HandshakeRequest, HandshakeResponse};
pub use message::{Invocation, Message, Outcome};
pub use negotiation::{AvailableTransport, NegotiateResponse, TransferFormat, TransportKind};
pub use payload::{Binary, Payload, PayloadError};
pub use selection::Protocol;

#[cfg(test)]
mod tests;
