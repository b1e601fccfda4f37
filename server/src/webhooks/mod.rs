//! Telling a publisher's system what became of its notifications: signed requests to where the service wants them.
//!
//! What happened is written in the transaction in which it happened (`store::webhook_events`), so a crash loses
//! none; and only in tenants that have a webhook ([`Interest`]), so it costs nobody else anything. [`compose`] puts
//! what waits into a request, [`sender`] sends it until it is taken, for a day.
//!
//! Guarantees: at least once, under the same `webhook-id`; what happened to one notification in the order in which it
//! happened, as long as its receiver takes what it gets: after three refusals of one request the next ones go past
//! it. No redirects, no private addresses unless the settings allow them. Bounds: 200 events a request, 100 requests a
//! webhook, 16 under way a process, 10 webhooks a service.

pub mod changes;
mod compose;
mod interest;
mod post;
mod retry;
pub mod secret;
mod sender;
pub mod settings;
pub mod target;
#[cfg(test)]
pub(crate) mod tests;

pub use interest::Interest;
pub use post::Answer;
pub use sender::Webhooks;

/// What can be told of a notification.
pub const EVENTS: [&str; 7] = [
    "notification.acked",
    "notification.reached",
    "notification.read",
    "notification.expired",
    "notification.dead",
    "notification.cancelled",
    "notification.settled",
];

/// Webhooks of one service.
pub const MOST_A_SERVICE: i64 = 10;
