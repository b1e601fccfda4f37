//! The browser's own hub client: the engine behind the screens' `Live` handle.
//!
//! What for: one connection per tab to our hub, over whatever transport the network lets through,
//! that comes back by itself for as long as the page is open. Guarantees: a notification is handed
//! over once per page however often the server repeats it, and acknowledged after it was handed
//! over; joined topics are joined again after each reconnect; nothing it queues is unbounded.
//! Called by `live`, in an effect only (never while rendering). Stopped by `HubHandle::stop` or
//! by dropping the last handle. Must not depend on leptos or on any screen.
//!
//! Two layers. The *engine* is plain data: events in, effects out, time and randomness passed in;
//! it is compiled on the host too, and tested there. The *browser* layer turns web events into
//! engine events and carries the effects out; it decides nothing.

pub mod acks;
pub mod address;
pub mod attempt;
pub mod backoff;
pub mod cursor;
pub mod dedupe;
pub mod engine;
pub mod router;
pub mod session;
pub mod status;

#[cfg(feature = "hydrate")]
mod browser;

#[cfg(feature = "hydrate")]
pub use browser::{HubClient, HubConfig, HubHandle, HubHandlers, TokenFuture, device};
pub use status::{CallError, Ended, Status};
