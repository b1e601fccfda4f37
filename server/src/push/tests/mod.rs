//! The pusher against the stand-ins, over real sockets.

mod breaker;
mod fcm;
mod leaves;
mod outcomes;
mod stage;
mod strangers;
mod web;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Message, Purpose};

/// 2026-11-22T10:00:00Z.
pub(super) const NOW: &str = "2026-11-22T10:00:00Z";

/// A question that may wait ten minutes.
pub(super) fn message() -> Message {
    let now: Timestamp = NOW.parse().unwrap();
    Message {
        id: Uuid::from_u128(0x0191_a0b0_7000_8000_0000_0000_0000_0001),
        class: "decision".to_owned(),
        kind: "NewTask".to_owned(),
        title: "An approval is waiting".to_owned(),
        body: None,
        link: None,
        data: None,
        badge: None,
        high: true,
        deadline: now + SignedDuration::from_secs(600),
        purpose: Purpose::Notify,
    }
}

/// Its withdrawal.
pub(super) fn withdrawal() -> Message {
    Message {
        title: "Handled elsewhere".to_owned(),
        badge: Some(2),
        high: false,
        purpose: Purpose::Withdraw,
        ..message()
    }
}
