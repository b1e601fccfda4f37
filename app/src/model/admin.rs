//! The admin console: what is going on in this tenant's part of the hub.

use serde::{Deserialize, Serialize};

use super::Moment;

/// Numbers for the head of the console.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Open hub connections of the tenant.
    pub connections: i64,
    /// Of them over WebSocket.
    pub websocket: i64,
    /// Of them over Server-Sent Events.
    pub sse: i64,
    /// Of them over long polling.
    pub long_polling: i64,
    /// Of them over the plain event stream.
    pub stream: i64,
    /// Distinct users among them.
    pub users_online: i64,
    /// Groups with at least one connection.
    pub groups: i64,
    /// Deliveries neither acknowledged, reached-and-sufficient, expired nor cancelled.
    pub queued: i64,
    /// When the oldest of them was accepted.
    pub oldest_queued_at: Option<Moment>,
    /// Deliveries acknowledged within the last hour.
    pub acked_last_hour: i64,
    /// Sentences on health: "Database answers in 0.4 ms." Worst first.
    pub health: Vec<Health>,
}

/// One sentence on health.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// All is well.
    pub ok: bool,
    /// The sentence.
    pub text: String,
    /// Where to look: address and words of a link.
    pub link: Option<(String, String)>,
}

/// One open hub connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionRow {
    /// The public connection id.
    pub id: String,
    /// Outer id of the user.
    pub user: String,
    /// Display name.
    pub name: String,
    /// The device's key, empty when unnamed.
    pub device: String,
    /// `Chrome 141, Linux`: read from the user agent.
    pub client: String,
    /// `WebSocket`, `SSE`, `Long poll`, `Stream`.
    pub transport: String,
    /// Remote address.
    pub address: String,
    /// Since when.
    pub since: Moment,
    /// Last sign of life.
    pub last_activity: Moment,
    /// Groups it is in.
    pub groups: i64,
    /// Bytes waiting to be written.
    pub buffer: i64,
    /// Items sent on this connection and neither acknowledged nor reached.
    pub unacked: i64,
    /// Its app said that it is not in front.
    pub background: bool,
    /// `explicit`, `result`, `transport`: how this device acknowledges.
    pub ack_mode: String,
}

/// One group with somebody in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    /// Its name inside the tenant: `dept:finance`.
    pub name: String,
    /// `user`, `service`, `department`, `topic`, `custom`.
    pub kind: String,
    /// Connections in it.
    pub connections: i64,
    /// Display names of up to 20 users in it.
    pub members: Vec<String>,
    /// Distinct users in it.
    pub users: i64,
}

/// One delivery that is still owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedRow {
    /// The notification's id.
    pub notification: String,
    /// Its kind.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Outer id of the recipient.
    pub user: String,
    /// Display name of the recipient.
    pub name: String,
    /// The recipient's number of it.
    pub seq: i64,
    /// `queued`, `reached`: never "delivered" for bytes written to a socket.
    pub state: String,
    /// When it was accepted.
    pub at: Moment,
    /// When it stops being worth delivering.
    pub expires_at: Moment,
    /// How often it was written to a connection.
    pub attempts: i64,
    /// The recipient has an open connection.
    pub online: bool,
}

/// A page of a console list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// At most 50.
    pub rows: Vec<T>,
    /// All that match, counted up to 10,000.
    pub total: i64,
    /// Revision of the list's topic (`admin:connections`, `admin:groups`, `admin:queued`).
    pub as_of: i64,
}

/// Which page of which list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PageQuery {
    /// Part of a name, a user id, a device or a title; empty for all.
    #[serde(default)]
    pub search: String,
    /// From 0.
    #[serde(default)]
    pub page: u32,
}

/// A delivery that ended without an ack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterRow {
    /// `{user}/{seq}`: what it is sent again by.
    pub id: String,
    /// The notification's id.
    pub notification: String,
    /// Its kind; empty when its content is not kept any more.
    pub kind: String,
    /// Its title; empty likewise.
    pub title: String,
    /// Outer id of the service it came from.
    pub service: String,
    /// Outer id of the recipient; empty when they were removed.
    pub user: String,
    /// Display name of the recipient.
    pub name: String,
    /// `expired`, `ladder_ended`, `user_removed`, `retention`.
    pub reason: String,
    /// When it ended.
    pub at: Moment,
    /// The notification that carries its content once more.
    pub sent_again: Option<String>,
}

/// What sending again did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentAgain {
    /// Nothing was sent.
    pub dry_run: bool,
    /// How many were sent, or would be.
    pub count: i64,
    /// How many had been sent again before.
    pub before: i64,
    /// Why others cannot be sent, and how many each.
    pub refused: Vec<(String, i64)>,
    /// Where to go on: of a count, where sending begins; of a step, where the next one does; `None`: that was all.
    pub next: Option<String>,
    /// There are more than were counted.
    pub more: bool,
}

impl SentAgain {
    /// Adds what became of the next ones; where to go on is theirs.
    pub fn add(&mut self, step: Self) {
        self.count += step.count;
        self.before += step.before;
        for (why, count) in step.refused {
            match self.refused.iter_mut().find(|(known, _)| *known == why) {
                Some((_, sum)) => *sum += count,
                None => self.refused.push((why, count)),
            }
        }
        self.next = step.next;
        self.more = step.more;
    }
}
