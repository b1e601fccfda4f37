//! 4. Connection: who is here, what goes to them, and what they may call.
//!
//! [`Hub`] is our hub on top of the generic SignalR server (`server/signalr`), and of an event stream of
//! its own for clients without SignalR; [`Line`](line::Line) is the wall between. Order to one socket is
//! kept by its gate; whatever cannot be written now is read from the database later, so no
//! connection's queue loses anything and no slow one holds up another.
//!
//! Guarantees: ascending numbers on a connection, none twice (`docs/guarantees.md`, order and replay).
//! Callers: the SignalR server and `api/stream` (connections), the committer and the workplace
//! (dispatch). Stops with the process: [`route`] tells all to come back, in rounds.

mod backlog;
mod calls;
mod client;
mod console;
mod device;
mod dispatch;
mod expiry;
mod frames;
pub(crate) mod gate;
mod line;
mod live;
mod outage;
mod pace;
mod pager;
mod prod;
mod push;
mod read;
mod reception;
mod record;
mod registry;
mod results;
mod revoked;
pub(crate) mod route;
mod starter;
mod stream;
mod unconfirmed;
mod view;
mod wait_list;
mod workflow;

pub use console::Console;
pub(crate) use device::name as device_name;
pub use live::{Handed, LiveEvent};
pub(crate) use push::{Applicant, NotRegistered};
pub use reception::NotWelcomed;
pub(crate) use stream::event;
pub use stream::{Cursor, Opening};
pub use view::Counts;
pub(crate) use view::client_name;
pub use workflow::{Hub, Needs};
