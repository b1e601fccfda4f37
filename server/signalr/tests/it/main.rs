//! The wire rules, proved byte by byte: over in-memory sockets with a paused clock where time
//! matters, and over real ones in `real_sockets`. Tests are named after the rules.
#![expect(
    clippy::unwrap_used,
    reason = "a test's helpers fail by panicking, as tests do"
)]

mod admission;
mod binary;
mod calls;
mod cuts;
mod dispatch;
mod drain;
mod expiry;
mod http2;
mod limits;
mod long_polling;
mod messagepack;
mod negotiate;
mod panics;
mod raw;
mod real_sockets;
mod resume;
mod server_sent_events;
mod sessions;
mod standstill;
mod statuses;
mod support;
mod websocket;
