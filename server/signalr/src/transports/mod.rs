//! How bytes come and go. A transport takes batches out of a connection's queue and puts chunks into
//! its inbox; everything else is the session's.

pub(crate) mod long_polling;
mod pump;
pub(crate) mod send;
pub(crate) mod server_sent_events;
pub(crate) mod websocket;
