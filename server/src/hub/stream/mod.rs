//! Our own event stream, for clients without SignalR: one endless response of Server-Sent Events.
//!
//! To the rest of the hub it is one more [`Line`](super::line::Line): the same gate, pager, registry and
//! parking as behind SignalR. There is no way up: such clients acknowledge over HTTP, and what they
//! read is known from the cursor they come back with. No task runs for a stream: its response's body
//! reads the queue, and [`expiry`](super::expiry) cuts those that nobody reads.

pub(crate) mod event;
mod open;
mod queue;
mod reader;

pub use open::{Cursor, Opening};
pub(crate) use queue::Stream;
