//! The web side of the client: events in, effects carried out. Decides nothing.
//!
//! Single-threaded: no borrow is held while foreign code runs. Each callback only puts an event
//! into the mailbox; a microtask empties it, so no engine code runs inside a callback whose closure
//! it might drop. Every closure is owned by what it listens to and goes with it.

mod client;
mod event_source;
mod fetch;
mod handle;
mod long_poll;
mod page;
mod post;
mod storage;
mod timers;
mod transport;
mod websocket;

pub use client::{HubConfig, HubHandlers, TokenFuture};
pub use handle::{HubClient, HubHandle};
pub use storage::device;
