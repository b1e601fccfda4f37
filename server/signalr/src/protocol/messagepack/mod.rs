//! The MessagePack hub protocol, versions 1 and 2: arrays with fixed places instead of named
//! properties.
//!
//! Arguments, items and results are checked for being whole and not too deep ([`reader`]), and kept
//! as they came; [`value`] reads them for serde, and two transcoders carry values between clients of
//! different protocols without serde.

mod decode;
pub(super) mod encode;
mod from_json;
mod reader;
mod timestamp;
mod to_json;
mod value;

pub(super) use decode::decode;
pub(super) use from_json::from_json;
pub(super) use to_json::to_json;
pub(super) use value::from_slice;
