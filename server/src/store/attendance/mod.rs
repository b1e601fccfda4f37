//! Punches as they came, punches as they were understood, and the day they make.
//!
//! Lock order inside: user accounts (sorted), raw punches (sorted by device and source id), then
//! punches and days, which only the holder of the user's lock writes; all before the ledger.

mod board;
mod days;
mod people;
mod raws;

pub use board::{
    BoardPerson, SiteRow, TilesRow, departments, people_on_board, sites, tiles, zones,
};
pub use days::{DayRow, FactRow, JudgedRow, facts, insert_punches, save_days, update_punches};
pub use people::{PunchPerson, by_key, by_pin, lock_people};
pub use raws::{RawRow, insert_raws, known};
