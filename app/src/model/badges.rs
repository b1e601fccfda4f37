//! The numbers beside the words of the rail.

use serde::{Deserialize, Serialize};

use super::approval::ApprovalCounts;
use super::inbox::InboxCounts;

/// Counts for the frame of every page, each with the revision of its topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Badges {
    /// The bell and the rail.
    pub inbox: InboxCounts,
    /// Revision of the topic `inbox`.
    pub inbox_as_of: i64,
    /// The rail.
    pub approvals: ApprovalCounts,
    /// Revision of the topic `approvals`.
    pub approvals_as_of: i64,
    /// People who are in; `None` without the role hr.
    pub present: Option<i64>,
    /// Revision of the topic `attendance`.
    pub attendance_as_of: i64,
}
