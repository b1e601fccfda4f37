//! The inbox: what was delivered to me, and what I did with it.

use serde::{Deserialize, Serialize};

use super::Moment;

/// How loud an item is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Ordinary.
    #[default]
    Info,
    /// Somebody should look soon.
    Warning,
    /// Cannot be muted.
    Critical,
}

/// One notification in one user's inbox. Engagement (seen, read, archived) is apart from delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "engagements are independent of one another"
)]
pub struct InboxItem {
    /// The notification's id.
    pub id: String,
    /// This user's number of it: ascending, the order of the list.
    pub seq: i64,
    /// What happened, `DocumentApproved`.
    pub kind: String,
    /// One line.
    pub title: String,
    /// A sentence or two; may be empty.
    pub body: String,
    /// How loud.
    #[serde(default)]
    pub severity: Severity,
    /// Items of one thread are shown as one, the latest first.
    pub thread_key: Option<String>,
    /// Same-site path or https address the item leads to.
    pub link: Option<String>,
    /// Display name of who caused it.
    pub actor: Option<String>,
    /// When it was accepted.
    pub at: Moment,
    /// Shown in an open list at least once.
    pub seen: bool,
    /// Clicked, or marked.
    pub read: bool,
    /// Put away.
    pub archived: bool,
    /// "No longer needs you": withdrawn by its sender.
    pub withdrawn: bool,
    /// Name, or at first the id, of whom one stands in for.
    #[serde(default)]
    pub on_behalf_of: Option<String>,
}

/// Which part of the inbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InboxTab {
    /// Everything that is not archived.
    #[default]
    All,
    /// Not yet read.
    Unread,
    /// Put away.
    Archive,
}

/// Numbers for the bell and the rail. Owned by the server; a client never counts for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxCounts {
    /// The bell.
    pub unseen: i64,
    /// The rail.
    pub unread: i64,
}

/// A page of the inbox, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxPage {
    /// At most 50.
    pub items: Vec<InboxItem>,
    /// As of the same moment.
    pub counts: InboxCounts,
    /// There are older ones: ask with `before` = the last item's `seq`.
    pub more: bool,
    /// Revision of the topic `inbox`, read before the rows.
    pub as_of: i64,
}

/// What a person does with items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Rendered in an open list.
    Seen,
    /// Clicked. Implies seen.
    Read,
    /// Not read after all.
    Unread,
    /// Put away. Implies read.
    Archive,
    /// Taken back out.
    Unarchive,
}
