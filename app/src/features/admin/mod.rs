//! The console: what is going on in this tenant's part of the hub.

pub mod bulk;
pub mod class_form;
pub mod classes;
pub mod connections;
pub mod disconnect;
pub mod groups;
pub mod list;
pub mod overview;
pub mod poll;
pub mod queued;
pub mod refused;
pub mod search;
pub mod sections;
pub mod send_again;
pub mod send_all;
pub mod server_fns;
pub mod undelivered;
pub mod webhook;
pub mod webhook_deeds;
pub mod webhook_fields;
pub mod webhook_fns;
pub mod webhook_form;
pub mod webhook_tries;
pub mod webhooks;
pub mod why;

pub use sections::Sections;
