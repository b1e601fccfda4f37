//! Why somebody got a notification, or not: what the admin page shows.

use serde::{Deserialize, Serialize};

use super::Moment;

/// What is known of what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Nothing was asked yet.
    Ask,
    /// There is no such thing, in words.
    Unknown(String),
    /// A notification, and no user yet: its recipients.
    Recipients {
        /// Its id.
        notification: String,
        /// Its title.
        title: String,
        /// At most 100, by name.
        rows: Vec<Hit>,
    },
    /// A user, and no notification yet: their latest.
    Latest {
        /// Outer id.
        user: String,
        /// Display name.
        name: String,
        /// At most 50, the latest first.
        rows: Vec<Hit>,
    },
    /// Both.
    One(Box<Why>),
}

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The notification.
    pub notification: String,
    /// Outer id of the user.
    pub user: String,
    /// The user's name, or the notification's title.
    pub label: String,
    /// The user's id, or the notification's kind.
    pub note: String,
    /// Where it stands.
    pub state: String,
    /// When it was routed.
    pub at: Moment,
}

/// One notification and one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// Revision of `admin:queued`, read before.
    pub as_of: i64,
    /// Id of the notification.
    pub notification: String,
    /// Its kind.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Outer id of the service it came from.
    pub service: String,
    /// Which credential published it.
    pub publisher: String,
    /// Its class.
    pub class: String,
    /// In words.
    pub audience: String,
    /// To how many users.
    pub recipients: i64,
    /// When it was accepted.
    pub accepted_at: Moment,
    /// When it stops being worth delivering.
    pub expires_at: Moment,
    /// Outer id of the user.
    pub user: String,
    /// Display name; empty for an unknown one.
    pub name: String,
    /// There is an open connection.
    pub online: bool,
    /// Where it stands, a word; empty for one who is no recipient.
    pub state: String,
    /// The user's number of it.
    pub seq: Option<i64>,
    /// What settles it.
    pub rule: String,
    /// Where it stands, in a sentence.
    pub verdict: String,
    /// What comes next, in a sentence.
    pub what_next: String,
    /// What happened, oldest first.
    pub timeline: Vec<Event>,
    /// What will happen if nobody settles it, soonest first.
    pub next: Vec<Event>,
    /// The user's devices.
    pub devices: Vec<Device>,
    /// The notification that carried its content once more.
    pub sent_again: Option<String>,
}

/// Something that happened, or will.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// The API's word: `accepted`, `acked`; `step` and `end` of what lies ahead.
    pub what: String,
    /// In words.
    pub text: String,
}

/// A device of the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// What it is: `Chrome 141, Linux`, or what it is pushed to by.
    pub note: String,
    /// The user agent that was read from, in full; empty for one that is only pushed to.
    pub agent: String,
    /// How it acks.
    pub ack_mode: String,
    /// `acked`, `read`, `passed`, `no`; empty for one that is only pushed to.
    pub has: String,
    /// When it was last seen.
    pub last_seen_at: Option<Moment>,
}
