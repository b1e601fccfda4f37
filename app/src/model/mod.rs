//! Plain data that both ends speak of. No clock, no I/O, no SQL: rows become models by explicit
//! conversion on the server.

pub mod admin;
pub mod approval;
pub mod attendance;
pub mod badges;
pub mod classes;
pub mod delivery;
pub mod inbox;
pub mod moment;
pub mod person;
pub mod webhooks;
pub mod why;

pub use moment::Moment;
