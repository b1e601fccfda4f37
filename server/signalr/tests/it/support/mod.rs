//! A hub that records what happens to it, a server around it, and clients by transport.

mod client;
mod hub;
mod site;
mod stateful;

pub(crate) use client::{ALL, Client, Wire};
pub(crate) use hub::{Event, TestHub, User};
pub(crate) use site::{Answer, Site, Socket, identify, piece, request, settle};
pub(crate) use stateful::Stateful;

/// What every client says first.
pub(crate) const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";

/// A call with JSON arguments.
pub(crate) fn call(id: &str, target: &str, arguments: &str) -> String {
    format!(
        "{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"{target}\",\"arguments\":{arguments}}}\u{1e}"
    )
}
