//! A hub that records what happens to it, a server around it, and clients by transport.

mod client;
mod hub;
mod site;
mod stateful;

pub(crate) use client::{ALL, Client, Wire};
pub(crate) use hub::{Event, TestHub, User};
pub(crate) use site::{Answer, Site, Socket, identify, piece, request, settle};
pub(crate) use stateful::{Budget, Stateful};

/// What every client says first.
pub(crate) const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";

/// A call with JSON arguments.
pub(crate) fn call(id: &str, target: &str, arguments: &str) -> String {
    format!(
        "{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"{target}\",\"arguments\":{arguments}}}\u{1e}"
    )
}

/// A call for a stream.
pub(crate) fn stream_call(id: &str, target: &str, arguments: &str) -> String {
    call(id, target, arguments).replacen("\"type\":1", "\"type\":4", 1)
}

/// A call with streams beside it, for one value.
pub(crate) fn upload_call(id: &str, target: &str, streams: &str) -> String {
    format!(
        "{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"{target}\",\"arguments\":[],\"streamIds\":{streams}}}\u{1e}"
    )
}

/// An item of a stream.
pub(crate) fn item(id: &str, item: &str) -> String {
    format!("{{\"type\":2,\"invocationId\":\"{id}\",\"item\":{item}}}\u{1e}")
}

/// The end of an invocation or stream; `rest` begins with a comma if it is not empty.
pub(crate) fn completion(id: &str, rest: &str) -> String {
    format!("{{\"type\":3,\"invocationId\":\"{id}\"{rest}}}\u{1e}")
}

/// The wish to end a stream.
pub(crate) fn cancel(id: &str) -> String {
    format!("{{\"type\":5,\"invocationId\":\"{id}\"}}\u{1e}")
}
