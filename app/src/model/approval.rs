//! Approvals: what waits on me, and what became of it.

use serde::{Deserialize, Serialize};

use super::{Moment, person::Person};

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Somebody has to decide.
    InReview,
    /// Every step said yes.
    Approved,
    /// A step said no.
    Rejected,
    /// Taken back by the requester.
    Withdrawn,
}

/// Where a step, or one assignee's part of it, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// An earlier step is not done.
    Waiting,
    /// Can be decided now.
    Open,
    /// Said yes.
    Approved,
    /// Said no.
    Rejected,
    /// Somebody else decided first: "no longer needed".
    Superseded,
    /// The request was withdrawn.
    Cancelled,
}

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRow {
    /// The request's id (key of the row and of its page).
    pub id: String,
    /// For people: `REQ-2026-01847`.
    pub number: String,
    /// `purchase leave travel contract equipment correction other`: chooses the icon.
    pub kind: String,
    /// One line.
    pub subject: String,
    /// Who asks.
    pub requester: Person,
    /// The key fact, written out: `€4,800.00`, `7 days`. Empty when there is none.
    pub amount: String,
    /// Step that is open, from 1.
    pub step: i32,
    /// Number of steps.
    pub steps: i32,
    /// When the open step should be decided.
    pub due_at: Option<Moment>,
    /// When it was sent.
    pub sent_at: Moment,
    /// Goes up with every edit; a decision names the one it was made on.
    pub revision: i32,
    /// Where it stands.
    pub state: RequestState,
    /// Names of those who can decide now.
    pub waits_on: Vec<String>,
    /// Who decided last, when it is over.
    pub decided_by: Option<String>,
    /// When that was.
    pub decided_at: Option<Moment>,
}

/// Which list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalTab {
    /// I can decide. Sorted by due, then oldest.
    #[default]
    Waiting,
    /// I decided. Newest decision first.
    Decided,
    /// I asked. Newest first.
    Mine,
}

/// How many rows each tab has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalCounts {
    /// Waiting on me.
    pub waiting: i64,
    /// Decided by me (within 90 days).
    pub decided: i64,
    /// My requests that are still in review.
    pub mine: i64,
}

/// A list as of one revision of the topic `approvals`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalList {
    /// At most 200.
    pub rows: Vec<ApprovalRow>,
    /// For the tabs and the rail.
    pub counts: ApprovalCounts,
    /// Revision of the topic, read before the rows.
    pub as_of: i64,
}

/// One assignee of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignee {
    /// Display name.
    pub name: String,
    /// Their part.
    pub state: StepState,
    /// When they decided.
    pub at: Option<Moment>,
    /// What they said.
    pub comment: Option<String>,
    /// It is the person looking.
    pub is_me: bool,
}

/// One node of the step rail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// `Line manager`.
    pub name: String,
    /// Where it stands.
    pub state: StepState,
    /// Any one of them decides.
    pub assignees: Vec<Assignee>,
    /// When it became open.
    pub opened_at: Option<Moment>,
    /// When it should be decided.
    pub due_at: Option<Moment>,
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestEvent {
    /// When.
    pub at: Moment,
    /// Who.
    pub actor: String,
    /// `submitted approved rejected withdrawn`.
    pub what: String,
    /// What they said.
    pub comment: Option<String>,
}

/// A request in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestDetail {
    /// The same facts as in the list.
    pub row: ApprovalRow,
    /// Label and value, in the order of the form.
    pub fields: Vec<(String, String)>,
    /// In order.
    pub steps: Vec<Step>,
    /// Oldest first.
    pub events: Vec<RequestEvent>,
    /// The person looking can decide now.
    pub can_decide: bool,
    /// What follows an approval: "If you approve, the request is approved and Ada is told."
    pub consequence: String,
    /// Revision of the topic `request:{id}`, read before the rows.
    pub as_of: i64,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Yes.
    Approve,
    /// No; wants a comment.
    Reject,
}

/// A decision on a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The request's id.
    pub request: String,
    /// The revision the person saw.
    pub revision: i32,
    /// Yes or no.
    pub verdict: Verdict,
    /// Required on a rejection, at most 2,000 characters.
    #[serde(default)]
    pub comment: String,
}
