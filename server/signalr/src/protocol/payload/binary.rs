//! A byte string as hub code's value.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};

/// Bytes: bin in MessagePack, a base64 string in JSON, which is what .NET makes of `byte[]`.
///
/// A plain `Vec<u8>` is a list of numbers to serde and is written as one.
///
/// ```
/// # use signalr::protocol::{Binary, Payload};
/// let payload = Payload::of(&Binary(vec![1, 2, 255])).unwrap();
/// assert_eq!(payload.to_json(), "\"AQL/\"");
/// assert_eq!(payload.read::<Binary>().unwrap().0, [1, 2, 255]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Binary(pub Vec<u8>);

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Not `deserialize_bytes`: JSON would give a string's own letters then.
        from.deserialize_any(Bytes).map(Self)
    }
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes or a base64 string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        let bytes = BASE64_STANDARD.decode(text);
        bytes.map_err(|_| E::custom("the string is not base64"))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = numbers.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}
