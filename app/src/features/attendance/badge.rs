//! Where somebody is, as tone and word.

use crate::components::badge::Tone;
use crate::model::attendance::Presence;

/// Badge of a presence.
#[must_use]
pub const fn of(state: Presence) -> (Tone, &'static str) {
    match state {
        Presence::In => (Tone::Ok, "In"),
        Presence::OnBreak => (Tone::Pause, "On break"),
        Presence::Out => (Tone::Rest, "Out"),
        Presence::NotSeen => (Tone::Unknown, "Not seen"),
    }
}
