//! 6 PUSH, the last resort: a message to a device that has no connection, by way of its maker.
//!
//! Guarantees: one [`Pusher::send`] is one try and says what became of it ([`Outcome`]); nothing is
//! retried, queued or stored here, that is the ladder's work. What a provider *took* is not shown to
//! anybody: only the device's own ack proves that. A token is called gone only when the provider said
//! so in its own words; outages, quotas and wrong keys never cost a device.
//!
//! Called by whoever escalates. Depends on no database and on no other room but `support`. Stops with
//! the future that sends: no task of its own runs.

pub mod answer;
pub mod breaker;
pub mod client;
pub mod fcm;
pub mod fit;
pub mod hosts;
pub mod message;
pub mod outcome;
pub mod pusher;
pub mod rate;
pub mod resolver;
pub mod seal;
pub mod service;
pub mod settings;
pub mod subscription;
pub mod tally;
pub mod target;
pub mod web;

use std::future::Future;
use std::pin::Pin;

pub use self::hosts::AllowedHosts;
pub use self::message::{Message, Purpose};
pub use self::outcome::{Extent, Outcome, Report};
pub use self::pusher::Pusher;
pub use self::subscription::Subscription;
pub use self::target::{Platform, Target, TargetError};

/// A future that lives as long as what it borrows.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One way to devices. Takes part in [`Pusher`], which adds breaker, rate and counting.
pub trait Provider: Send + Sync {
    /// One try. Never waits longer than its client's patience, never retries but for a renewed
    /// credential.
    fn send<'a>(&'a self, target: &'a Target, message: &'a Message) -> Boxed<'a, Report>;
}

#[cfg(test)]
mod tests;
