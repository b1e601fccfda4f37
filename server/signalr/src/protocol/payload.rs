//! One argument, item or result: a value that this crate carries and does not look into.
//!
//! Opaque on purpose: today it holds JSON text, a MessagePack codec will add its own form without
//! changing a caller.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// An encoded value. Cheap to move, parsed only by [`Payload::read`].
#[derive(Debug, Clone)]
pub struct Payload(Box<RawValue>);

impl Payload {
    /// Encodes `value`.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// The explicit null, which is not the same as nothing.
    pub fn null() -> Self {
        Self(RawValue::NULL.to_owned())
    }

    /// Parses it as a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }

    /// The value as JSON.
    pub fn as_json(&self) -> &RawValue {
        &self.0
    }

    /// The value as JSON, without a copy where it is JSON already.
    pub fn into_json(self) -> Box<RawValue> {
        self.0
    }

    /// Whether it is the explicit null.
    pub fn is_null(&self) -> bool {
        self.0.get() == "null"
    }
}

impl From<Box<RawValue>> for Payload {
    fn from(json: Box<RawValue>) -> Self {
        Self(json)
    }
}

impl From<&RawValue> for Payload {
    fn from(json: &RawValue) -> Self {
        Self(json.to_owned())
    }
}

/// By text: two spellings of one number are different payloads.
impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for Payload {}
