//! What both ends of our own hub say to each other, beside the notifications themselves.

mod patch;

pub use patch::Patch;
use serde::{Deserialize, Serialize};

use crate::model::Moment;

/// Client method that carries a [`Patch`] of a screen's topic.
pub const PATCH: &str = "Patch";
/// Client method that greets a new connection.
pub const GREETING: &str = "Greeting";
/// Client method for kinds outside the tenant's kind table.
pub const NOTIFICATION: &str = "Notification";
/// Client method that takes back what may be on screen.
pub const WITHDRAWN: &str = "NotificationWithdrawn";
/// Client method that tells how much of a class is owed, in place of each; carries a [`Backlog`].
pub const BACKLOG: &str = "Backlog";
/// Client method that tells who is typing; carries a [`Typing`]. Conflated, may be lost.
pub const TYPING: &str = "Typing";

/// Client method that tells who has read something of a thread; carries a [`ReadReceipt`]. Conflated, may be lost.
pub const READ_RECEIPT: &str = "ReadReceipt";

/// Methods a client calls.
pub mod call {
    /// `(notificationId) -> 0 | 1`: number newly acknowledged, answered after the commit.
    pub const ACKNOWLEDGE: &str = "AcknowledgeNotification";
    /// `(notificationIds[]) -> n`.
    pub const ACKNOWLEDGE_MANY: &str = "AcknowledgeMany";
    /// `(seq) -> n`: "I handled all up to seq".
    pub const ACKNOWLEDGE_THROUGH: &str = "AcknowledgeThrough";
    /// `(ids[])`.
    pub const MARK_SEEN: &str = "MarkSeen";
    /// `(ids[])`.
    pub const MARK_READ: &str = "MarkRead";
    /// `(ids[])`.
    pub const ARCHIVE: &str = "Archive";
    /// `("epoch:seq")`: raises the start of the replay, acknowledges nothing.
    pub const RESUME: &str = "Resume";
    /// `(name, since?) -> {rev}`.
    pub const JOIN_GROUP: &str = "JoinGroup";
    /// `(name)`.
    pub const LEAVE_GROUP: &str = "LeaveGroup";
    /// `(platform, tokenOrSubscription) -> {credential}`: pushes go to this device from now on, and with the
    /// credential it acknowledges by HTTP.
    pub const REGISTER_PUSH_TOKEN: &str = "RegisterPushToken";
    /// `() -> bool`: no pushes to this device any more, as on sign-out.
    pub const UNREGISTER_PUSH_TOKEN: &str = "UnregisterPushToken";
    /// `("active" | "background") -> bool`: whether the app is in front; false if that was known.
    pub const SET_APP_STATE: &str = "SetAppState";
    /// `(thread) -> bool`: tells the others in the thread; false if it came too soon after the last.
    pub const TYPING: &str = "Typing";
    /// `(class, after) -> {items[], next}`: what a [`Backlog`](super::Backlog) of this connection stands for, a page of it.
    pub const GET_BACKLOG: &str = "GetBacklog";
    /// All of them.
    pub const ALL: [&str; 14] = [
        ACKNOWLEDGE,
        ACKNOWLEDGE_MANY,
        ACKNOWLEDGE_THROUGH,
        MARK_SEEN,
        MARK_READ,
        ARCHIVE,
        RESUME,
        JOIN_GROUP,
        LEAVE_GROUP,
        REGISTER_PUSH_TOKEN,
        UNREGISTER_PUSH_TOKEN,
        SET_APP_STATE,
        TYPING,
        GET_BACKLOG,
    ];
}

/// Topics a screen joins. Every key is inside the caller's tenant.
pub mod topic {
    /// The caller's own inbox: engagement and counts.
    pub const INBOX: &str = "inbox";
    /// The caller's own approvals lists.
    pub const APPROVALS: &str = "approvals";
    /// The board (role hr).
    pub const ATTENDANCE: &str = "attendance";
    /// Open connections (role admin).
    pub const ADMIN_CONNECTIONS: &str = "admin:connections";
    /// Groups (role admin).
    pub const ADMIN_GROUPS: &str = "admin:groups";
    /// Deliveries still owed (role admin).
    pub const ADMIN_QUEUED: &str = "admin:queued";

    /// Joined by nobody: told to whoever follows some topic when the server's database goes away or comes back. Its
    /// patches have no revision; their `counts` are an [`Away`](super::Away).
    pub const DATABASE: &str = "database";

    /// One request (its requester and assignees).
    #[must_use]
    pub fn request(id: &str) -> String {
        format!("request:{id}")
    }
}

/// Answer of [`call::JOIN_GROUP`]: the topic's revision, read after the connection was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Differs from the snapshot's `as_of`: fetch it again.
    pub rev: i64,
}

/// Counts of the topic [`topic::DATABASE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// Nothing newer than this can be on screen; `null`: the database is there.
    pub since: Option<Moment>,
}

/// What an app says of itself with [`call::SET_APP_STATE`].
pub mod app_state {
    /// In front of somebody.
    pub const ACTIVE: &str = "active";
    /// The system may freeze it at any moment.
    pub const BACKGROUND: &str = "background";
}

/// Argument of [`BACKLOG`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// The class's key.
    pub class: String,
    /// How many of it this device is owed.
    pub count: i64,
    /// The highest number among them: `AcknowledgeThrough(through)` takes them all as handled.
    pub through: i64,
}

/// Argument of [`TYPING`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// The topic they share.
    pub thread: String,
    /// Outer id of who types.
    pub user: String,
    /// Their name.
    pub name: String,
}

/// Argument of [`READ_RECEIPT`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadReceipt {
    /// The thread that both take part in.
    pub thread_key: String,
    /// What was read.
    pub notification_id: String,
    /// Outer id of who read it.
    pub user: String,
    /// Their name.
    pub name: String,
    /// When, as RFC 3339 has it.
    pub at: String,
}

/// Sent once after the handshake. Information; no promise depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Greeting {
    /// Outer id of the user.
    pub user: String,
    /// Key of the device, empty when unnamed.
    pub device: String,
    /// `epoch:seq`: the last number given to this user.
    pub cursor: String,
    /// Version of this protocol.
    pub version: u32,
    /// What a browser subscribes to Web Push with (`applicationServerKey`, base64url); absent where the server
    /// has no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vapid_public_key: Option<String>,
}
