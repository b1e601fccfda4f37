//! Words and conversions that all approvals use cases share.

use app::model::Moment;
use app::model::approval::{ApprovalRow, RequestState, StepState};
use app::model::person::Person;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::store::approvals::SummaryRow;

/// Decisions older than this leave the tab "Decided".
const REMEMBERED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// `REQ-2026-01847`: the year it was sent in (UTC) and the tenant's running number.
#[must_use]
pub fn number(number: i64, submitted_at: Timestamp) -> String {
    format!(
        "REQ-{}-{number:05}",
        submitted_at.to_zoned(TimeZone::UTC).year()
    )
}

/// The instant after which decisions are listed.
pub(super) fn remembered_since(now: Timestamp) -> Timestamp {
    now.checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN)
}

pub(super) fn moment(at: Timestamp) -> Moment {
    Moment(at.as_millisecond())
}

/// Where the page of a request is.
pub(super) fn link(id: uuid::Uuid) -> String {
    format!("/approvals/{id}")
}

/// A state column becomes its model; the table's check leaves nothing else.
pub(super) fn request_state(word: &str) -> RequestState {
    match word {
        "approved" => RequestState::Approved,
        "rejected" => RequestState::Rejected,
        "withdrawn" => RequestState::Withdrawn,
        _ => RequestState::InReview,
    }
}

/// State of a step.
pub(super) fn step_state(word: &str) -> StepState {
    match word {
        "open" => StepState::Open,
        "approved" => StepState::Approved,
        "rejected" => StepState::Rejected,
        "cancelled" => StepState::Cancelled,
        _ => StepState::Waiting,
    }
}

/// State of one person's part: pending means "open" once the step is.
pub(super) fn part_state(word: &str, step: StepState) -> StepState {
    match word {
        "approved" => StepState::Approved,
        "rejected" => StepState::Rejected,
        "superseded" => StepState::Superseded,
        "cancelled" => StepState::Cancelled,
        _ if step == StepState::Open => StepState::Open,
        _ => StepState::Waiting,
    }
}

/// A row of the lists.
pub(super) fn row(summary: SummaryRow) -> ApprovalRow {
    let state = request_state(&summary.state);
    let over = state != RequestState::InReview;
    ApprovalRow {
        id: summary.id.to_string(),
        number: number(summary.number, summary.submitted_at),
        kind: summary.kind,
        subject: summary.subject,
        requester: Person {
            user: summary.requester,
            name: summary.requester_name,
            department: summary.department,
        },
        amount: summary.amount,
        step: summary.step,
        steps: i32::try_from(summary.steps).unwrap_or(i32::MAX),
        due_at: summary.due_at.map(moment),
        sent_at: moment(summary.submitted_at),
        revision: summary.revision,
        state,
        waits_on: summary.waits_on,
        decided_by: summary.last_actor.filter(|_| over),
        decided_at: summary.decided_at.map(moment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_carry_the_year_they_were_sent_in() {
        let at: Timestamp = "2026-12-31T23:59:59Z".parse().unwrap();
        assert_eq!(number(1847, at), "REQ-2026-01847");
        assert_eq!(
            number(123_456, at + SignedDuration::from_secs(1)),
            "REQ-2027-123456"
        );
    }
}
