//! Attendance: people punch, the board shows who is here.
//!
//! What a device says is kept for ever as it said it ([`When`] its digits, its zone and the
//! instant). A day is a pure function of all its punches ([`day`]), computed anew with each of
//! them, so the order in which they arrive makes no difference and a replay none at all. A day is
//! a calendar day of the person's site; shifts over midnight come later.

mod board;
pub mod day;
pub mod midnight;
mod punch;
mod record;
#[cfg(test)]
mod tests;
mod when;
mod words;

pub use board::{board, present};
pub use punch::{Punched, announce, punch, punch_in};
pub use record::{NewPunch, Outcome, Recorded, Refusal, Source, Who, record};
pub use when::When;
pub use words::{direction_word, parse_direction};
