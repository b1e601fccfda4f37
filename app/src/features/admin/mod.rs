//! The console: what is going on in this tenant's part of the hub.

pub mod class_form;
pub mod classes;
pub mod connections;
pub mod disconnect;
pub mod groups;
pub mod list;
pub mod overview;
pub mod queued;
pub mod search;
pub mod sections;
pub mod send_again;
pub mod server_fns;
pub mod undelivered;
pub mod why;

pub use sections::Sections;
