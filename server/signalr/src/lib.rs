//! SignalR over axum: any unmodified SignalR client can talk to a [`protocol`]-speaking Rust server.
//!
//! The crate knows the wire and nothing else. [`protocol`] is the codec for both directions and is
//! always compiled, so that a browser client built for wasm can share it.
//!
//! Must not depend on anything of the product it serves.
#![warn(missing_docs)]

pub mod protocol;
