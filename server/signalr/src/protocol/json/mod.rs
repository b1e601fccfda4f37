//! The JSON hub protocol, versions 1 and 2.
//!
//! Properties may come in any order, so a frame is read in two steps: first the known properties as
//! raw slices ([`mod@fields`]), then those the message's type needs. Properties that a type does not use
//! are not looked into, and of a doubled property the last counts.

mod decode;
pub(crate) mod encode;
mod fields;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub(crate) use decode::decode;
pub(crate) use fields::fields;

use super::{DecodeError, SEPARATOR};

/// The frame's properties, unparsed and borrowed.
pub(crate) fn parse<'a, T: Deserialize<'a>>(frame: &'a [u8]) -> Result<T, DecodeError> {
    // Checked here for the whole frame: skipped strings are not checked by the parser.
    let text = std::str::from_utf8(frame).map_err(|_| DecodeError::NotAnObject)?;
    serde_json::from_str(text).map_err(|_| DecodeError::NotAnObject)
}

/// The raw property; null counts as absent.
pub(crate) fn required<'a>(
    name: &'static str,
    raw: Option<&'a RawValue>,
) -> Result<&'a RawValue, DecodeError> {
    raw.filter(|raw| raw.get() != "null")
        .ok_or(DecodeError::Missing(name))
}

/// A property that must be a string.
pub(crate) fn string(name: &'static str, raw: Option<&RawValue>) -> Result<String, DecodeError> {
    let raw = required(name, raw)?;
    if let Some(plain) = plain(raw) {
        return Ok(plain.to_owned());
    }
    serde_json::from_str(raw.get()).map_err(|_| DecodeError::WrongType(name))
}

/// The inside of a string without escapes, as nearly all are: the parser has found it valid.
fn plain(raw: &RawValue) -> Option<&str> {
    let inside = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    (!inside.contains('\\')).then_some(inside)
}

/// A property that may be a string, absent or null.
pub(crate) fn optional_string(
    name: &'static str,
    raw: Option<&RawValue>,
) -> Result<Option<String>, DecodeError> {
    let Some(raw) = raw else { return Ok(None) };
    if let Some(plain) = plain(raw) {
        return Ok(Some(plain.to_owned()));
    }
    serde_json::from_str(raw.get()).map_err(|_| DecodeError::WrongType(name))
}

/// `value` as JSON with the separator.
pub(crate) fn frame<T: Serialize>(value: &T) -> Bytes {
    let mut out = Vec::with_capacity(64);
    serde_json::to_writer(&mut out, value)
        .expect("strings, numbers and raw JSON always serialise into memory");
    out.push(SEPARATOR);
    out.into()
}

/// A string that is only looked at; borrowed unless it is written with escapes.
#[derive(Deserialize)]
pub(crate) struct Name<'a>(#[serde(borrow)] pub(crate) std::borrow::Cow<'a, str>);
