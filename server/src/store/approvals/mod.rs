//! Requests, their steps, who is asked in each step, and the audit trail.
//!
//! Lock order inside: tenant (numbers), request, step, assignment; all of them before the ledger.
//! Whoever changes a request holds its row's lock, so the rows below it are read without one.

mod decide;
mod detail;
mod list;
mod origin;
mod people;
mod submit;

pub use decide::{
    Locked, Part, assignments_of, cancel_rest, close_step, end_request, lock, open_step,
    settle_assignment, supersede_others,
};
pub use detail::{AssigneeRow, EventRow, HeadRow, StepRow, assignees, events, head, steps};
pub use list::{CountsRow, PlaceRow, SummaryRow, Tab, counts, ids_of, places, summaries};
pub use origin::{OriginRow, keys_of, origin};
pub use people::{PersonRow, people_by_id, people_by_key};
pub use submit::{
    NewAssignment, NewRequestRow, NewStepRow, by_source, insert_assignments, insert_event,
    insert_request, insert_steps, lock_numbers, next_number,
};
