//! SignalR over axum: any unmodified SignalR client can talk to a server written in Rust.
//!
//! The crate knows the wire and nothing else. [`protocol`] is the codec for both directions and is
//! always compiled, so that a browser client built for wasm can share it. Feature `server` (on by
//! default) adds the rest: implement [`Hub`], give it to a [`HubServer`] and nest its router.
//!
//! Guarantees: one task per connection, every queue has a bound in bytes, and tracing never shows a
//! token, an `id`, an `access_token` or a payload.
//! Must not depend on anything of the product it serves.
#![warn(missing_docs)]

pub mod protocol;

#[cfg(feature = "server")]
mod admission;
#[cfg(feature = "server")]
mod answer;
#[cfg(feature = "server")]
mod arguments;
#[cfg(feature = "server")]
mod call;
#[cfg(feature = "server")]
mod census;
#[cfg(feature = "server")]
mod client_call;
#[cfg(feature = "server")]
mod clients;
#[cfg(feature = "server")]
mod connection;
#[cfg(feature = "server")]
mod drain;
#[cfg(feature = "server")]
mod endpoint;
#[cfg(feature = "server")]
mod error;
#[cfg(feature = "server")]
mod hub;
#[cfg(feature = "server")]
mod limits;
#[cfg(feature = "server")]
mod membership;
#[cfg(feature = "server")]
pub mod methods;
#[cfg(feature = "server")]
mod negotiate;
#[cfg(feature = "server")]
mod observer;
#[cfg(feature = "server")]
mod options;
#[cfg(feature = "server")]
mod places;
#[cfg(feature = "server")]
mod raw;
#[cfg(feature = "server")]
mod refresh;
#[cfg(feature = "server")]
mod registry;
#[cfg(feature = "server")]
mod router;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod session;
#[cfg(feature = "server")]
mod slot;
#[cfg(feature = "server")]
mod transports;
#[cfg(feature = "server")]
mod upload;
#[cfg(feature = "server")]
mod visit;

#[cfg(feature = "server")]
pub use self::{
    admission::{Admission, Negotiation, Reservation},
    arguments::IntoArguments,
    call::{Arguments, Call},
    client_call::ClientCallError,
    clients::{Audience, Clients, Delivery},
    connection::{Connection, Resumed, SendError, WriteMark},
    error::HubError,
    hub::{Filter, Filtered, Hub, HubExt, HubResult, Reply, Shape},
    limits::Limit,
    methods::{Anonymous, Caller, Cancelled, Identity, Later, Methods, Parameter, Reason, State},
    observer::{CallOutcome, CloseReason, Observer},
    options::{HubOptions, SlowClient},
    raw::{RawConnection, RawEndpoint, RawServer},
    router::any_case,
    server::{HubServer, TokenSource},
    upload::{Upload, UploadStream},
};
