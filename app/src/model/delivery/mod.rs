//! What may happen to a delivery, and what is done about one that nobody settles. Pure: no clock, no I/O,
//! so that a simulation can walk millions of histories through the very rules the server keeps.

mod class;
pub mod draft;
mod ladder;
mod preview;
mod state;
pub mod words;

pub use class::{AckBy, Class, Flaw, LONGEST_LIFE, PushField, PushRules, Rung, Step, Sufficient};
pub use ladder::{Debt, Due, End, Owed, Plan, plan};
pub use preview::{Ahead, Happening, Preview, Story, ahead, preview};
pub use state::{Event, Rule, State};
