//! What the server's functions answer and what patches carry: JSON, read as text. A page's own data are read as text too, so
//! each model's decoder is in the browser's half once; with server_fn's `JsonEncoding`, which reads
//! bytes, it would be there twice.

use leptos::server_fn::codec::Post;
use leptos::server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType};
use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::Value;

/// JSON in the body of a POST's answer: `#[server(output = Json)]`.
pub type Json = Post<JsonText>;

/// The encoding.
pub struct JsonText;

impl ContentType for JsonText {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for JsonText {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for JsonText {
    type Error = serde_json::Error;

    fn encode(value: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_vec(value).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for JsonText {
    type Error = serde_json::Error;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        serde_json::from_str(std::str::from_utf8(&bytes).map_err(Self::Error::custom)?)
    }
}

/// A part of a message as what it stands for; `None` when it is not that. By way of its text: read
/// from the value itself, every model would have one more decoder.
#[must_use]
pub fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_str(&value.to_string()).ok()
}
