//! Attendance: who is here now. A punch changes one row in place.

pub mod badge;
pub mod filters;
pub mod page;
pub mod row;
pub mod server_fns;
pub mod table;
pub mod tiles;
