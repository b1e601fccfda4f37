//! States of requests and steps, as tone and word.

use crate::components::badge::Tone;
use crate::model::approval::{RequestState, StepState};

/// Badge of a request.
#[must_use]
pub const fn of_request(state: RequestState) -> (Tone, &'static str) {
    match state {
        RequestState::InReview => (Tone::Info, "In review"),
        RequestState::Approved => (Tone::Ok, "Approved"),
        RequestState::Rejected => (Tone::Bad, "Rejected"),
        RequestState::Withdrawn => (Tone::Rest, "Withdrawn"),
    }
}

/// Dot and word of a step.
#[must_use]
pub const fn of_step(state: StepState) -> (Tone, &'static str) {
    match state {
        StepState::Waiting => (Tone::Rest, "waiting"),
        StepState::Open => (Tone::Info, "open"),
        StepState::Approved => (Tone::Ok, "approved"),
        StepState::Rejected => (Tone::Bad, "rejected"),
        StepState::Superseded => (Tone::Rest, "no longer needed"),
        StepState::Cancelled => (Tone::Rest, "cancelled"),
    }
}
