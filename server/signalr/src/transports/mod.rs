//! How bytes come and go. A transport takes batches out of a connection's queue and puts chunks into
//! its inbox; everything else is the session's.

mod closing;
mod in_step;
pub(crate) mod long_polling;
mod poll;
mod probe;
mod progress;
mod pump;
pub(crate) mod send;
pub(crate) mod server_sent_events;
mod sockets;
mod stall;
pub(crate) mod websocket;
