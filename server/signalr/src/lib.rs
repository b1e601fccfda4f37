//! SignalR over axum: any unmodified SignalR client can talk to a server written in Rust.
//!
//! WebSockets, Server-Sent Events and long polling; JSON and MessagePack; streams in both directions,
//! answers of clients, stateful reconnect. A hub is made of functions:
//!
//! ```no_run
//! use axum::{Extension, Router};
//! use futures_util::stream;
//! use signalr::{Anonymous, Caller, Clients, HubError, HubOptions, HubServer, Methods};
//!
//! async fn say(me: Caller<Anonymous>, all: Clients<Anonymous>, text: String) -> Result<(), HubError> {
//!     all.group("room").except(me.id()).send("Said", (text,))?;
//!     Ok(())
//! }
//!
//! # async fn serve() -> std::io::Result<()> {
//! let hub = Methods::new()
//!     .on("Enter", |me: Caller<Anonymous>| async move { me.join("room") })
//!     .on("Say", say)
//!     .on_stream("Count", |to: u32| async move { stream::iter(0..to) });
//! let server = HubServer::new(hub, HubOptions::default(), Default::default(), Default::default());
//! let app = Router::new().nest("/chat", server.router()).layer(Extension(Anonymous));
//! axum::serve(tokio::net::TcpListener::bind("127.0.0.1:5000").await?, app).await
//! # }
//! ```
//!
//! | To | see |
//! |---|---|
//! | write methods: arguments, state, streams, uploads, cancellation | [`methods`] |
//! | reach, count, list, group, disconnect connections from anywhere | [`Clients`] |
//! | ask one client and wait for its answer | [`Connection::call_client`] |
//! | hear what handlers return, and wait for nobody | [`Hub::completed`] |
//! | run code around every call | [`Filter`] |
//! | count what happens | [`Observer`] |
//! | decide who may come, and for how long | [`Admission`] |
//! | set timings and bounds | [`HubOptions`] |
//! | decide everything about a call yourself | [`Hub`] |
//! | carry bytes without hub messages | [`RawEndpoint`] |
//!
//! The crate knows the wire and nothing else. [`protocol`] is the codec for both directions and is
//! always compiled, so that a browser client built for wasm can share it. Feature `server` (on by
//! default) adds the rest.
//!
//! Guarantees: one task per connection; calls of one connection start in the order in which they
//! came; every queue has a bound; a message to many is encoded once per protocol; tracing never
//! shows a token, an `id`, an `access_token` or a payload. Methods are matched without regard to
//! case, and errors read as those of the official server: client suites compare the sentences.
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
mod guest;
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
mod shield;
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
    guest::{NoPlace, Place},
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
