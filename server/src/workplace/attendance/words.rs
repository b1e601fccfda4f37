//! The words of the tables and of the API.

use app::model::attendance::{Direction, Presence};

/// As the API and the tables spell it.
#[must_use]
pub fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
        Direction::BreakOut => "break_out",
        Direction::BreakIn => "break_in",
    }
}

/// Reads the word; `None` for any other.
#[must_use]
pub fn parse_direction(word: &str) -> Option<Direction> {
    [
        Direction::In,
        Direction::Out,
        Direction::BreakOut,
        Direction::BreakIn,
    ]
    .into_iter()
    .find(|direction| direction_word(*direction) == word)
}

/// The state of a day that has punches.
pub(super) fn presence_word(presence: Presence) -> &'static str {
    match presence {
        Presence::In => "in",
        Presence::OnBreak => "on_break",
        Presence::Out | Presence::NotSeen => "out",
    }
}

/// A state column; no row at all is "not seen".
pub(super) fn presence(word: Option<&str>) -> Presence {
    match word {
        Some("in") => Presence::In,
        Some("on_break") => Presence::OnBreak,
        Some(_) => Presence::Out,
        None => Presence::NotSeen,
    }
}
