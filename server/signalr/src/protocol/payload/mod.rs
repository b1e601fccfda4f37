//! One argument, item or result: a value that this crate carries and does not look into.
//!
//! A value keeps the form it came in and changes it only when the other side of a hub speaks the
//! other protocol. Hub code's own values are serialised once, to JSON text, which costs the JSON way
//! nothing extra; the places of byte strings are remembered beside the text, so that MessagePack
//! gets them as bytes. The two forms of one value:
//!
//! | Rust | JSON | MessagePack |
//! |---|---|---|
//! | numbers, strings, lists, maps | the same | the same, integers in their shortest form |
//! | bytes (`serialize_bytes`, [`Binary`]) | base64 string, as .NET does | bin |
//! | infinities, not-a-number | null | nil |
//! | a client's timestamp | RFC 3339 string | extension -1 |
//! | a client's other extension | base64 string of its data | as it came |
//!
//! Field and variant names are those that serde sees, in both protocols.

mod binary;
mod error;
mod text;

use std::borrow::Cow;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

#[cfg(feature = "messagepack")]
use super::messagepack;
pub use binary::Binary;
pub use error::PayloadError;

/// An encoded value. Parsed only by [`Payload::read`].
#[derive(Debug, Clone)]
pub struct Payload(Form);

#[derive(Debug, Clone)]
enum Form {
    /// Valid JSON, in which every string is just a string. No `Box<str>`: giving back what the
    /// serialiser reserved too much would cost a copy.
    Json(String),
    /// Valid JSON with base64 strings that stand for bytes; made by hub code only.
    #[cfg(feature = "messagepack")]
    Marked(Box<Marked>),
    /// One well-formed MessagePack value, not nested deeper than the decoder's limit; it came from a
    /// client.
    #[cfg(feature = "messagepack")]
    MessagePack(Box<[u8]>),
}

#[cfg(feature = "messagepack")]
#[derive(Debug, Clone)]
struct Marked {
    json: String,
    /// Offsets of the opening quotes of the strings that are bytes, ascending.
    bytes_at: Box<[usize]>,
}

impl Payload {
    /// Serialises `value`, once for all protocols.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, PayloadError> {
        let text::Text { json, bytes_at } = text::serialize(value)?;
        #[cfg(feature = "messagepack")]
        if !bytes_at.is_empty() {
            let bytes_at = bytes_at.into_boxed_slice();
            return Ok(Self(Form::Marked(Box::new(Marked { json, bytes_at }))));
        }
        let _ = bytes_at;
        Ok(Self(Form::Json(json)))
    }

    /// The explicit null, which is not the same as nothing.
    pub fn null() -> Self {
        Self(Form::Json("null".into()))
    }

    /// Parses it as a `T`, straight from the form it has.
    ///
    /// Bytes are read by [`Binary`] in either form; a MessagePack bin also by `Vec<u8>` and types
    /// that want bytes. A timestamp is read by what reads RFC 3339 strings.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        match &self.0 {
            Form::Json(json) => serde_json::from_str(json).map_err(PayloadError::from),
            #[cfg(feature = "messagepack")]
            Form::Marked(marked) => serde_json::from_str(&marked.json).map_err(PayloadError::from),
            #[cfg(feature = "messagepack")]
            Form::MessagePack(bytes) => messagepack::from_slice(bytes),
        }
    }

    /// The value as JSON; borrowed unless it came as MessagePack.
    pub fn to_json(&self) -> Cow<'_, str> {
        match &self.0 {
            Form::Json(json) => Cow::Borrowed(json),
            #[cfg(feature = "messagepack")]
            Form::Marked(marked) => Cow::Borrowed(&marked.json),
            #[cfg(feature = "messagepack")]
            Form::MessagePack(bytes) => Cow::Owned(messagepack::to_json(bytes)),
        }
    }

    /// Whether it is the explicit null.
    pub fn is_null(&self) -> bool {
        match &self.0 {
            Form::Json(json) => json == "null",
            #[cfg(feature = "messagepack")]
            Form::Marked(_) => false,
            #[cfg(feature = "messagepack")]
            Form::MessagePack(bytes) => **bytes == [rmp::Marker::Null.to_u8()],
        }
    }

    /// About as many bytes as it takes in a frame.
    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Form::Json(json) => json.len(),
            #[cfg(feature = "messagepack")]
            Form::Marked(marked) => marked.json.len(),
            #[cfg(feature = "messagepack")]
            Form::MessagePack(bytes) => bytes.len(),
        }
    }

    /// Takes over one value that the decoder has checked.
    #[cfg(feature = "messagepack")]
    pub(crate) fn from_messagepack(value: &[u8]) -> Self {
        Self(Form::MessagePack(value.into()))
    }

    /// Appends the value as MessagePack.
    #[cfg(feature = "messagepack")]
    pub(crate) fn write_messagepack(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Form::Json(json) => messagepack::from_json(json, &[], out),
            Form::Marked(marked) => messagepack::from_json(&marked.json, &marked.bytes_at, out),
            Form::MessagePack(bytes) => out.extend_from_slice(bytes),
        }
    }
}

impl From<Box<RawValue>> for Payload {
    fn from(json: Box<RawValue>) -> Self {
        Self(Form::Json(Box::<str>::from(json).into()))
    }
}

impl From<&RawValue> for Payload {
    fn from(json: &RawValue) -> Self {
        Self(Form::Json(json.get().to_owned()))
    }
}

/// By their JSON text: two spellings of one number are different payloads, bytes and their base64
/// are the same.
impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.to_json() == other.to_json()
    }
}

impl Eq for Payload {}

#[cfg(test)]
mod tests;
