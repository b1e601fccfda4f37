//! The attendance board: who is here now, by their last punch.

use serde::{Deserialize, Serialize};

use super::Moment;

/// Where somebody is, as far as their punches of today (site time) tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Punched in, not out.
    In,
    /// Punched out for a break.
    OnBreak,
    /// Punched out.
    Out,
    /// No punch today.
    NotSeen,
}

/// What a punch says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Came.
    In,
    /// Went.
    Out,
    /// Went for a break.
    BreakOut,
    /// Back from the break.
    BreakIn,
}

/// One person on the board. Clock times are in site time, written out by the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardRow {
    /// The customer's id of the user (key of the row).
    pub user: String,
    /// Display name.
    pub name: String,
    /// Name of the department.
    pub department: String,
    /// Key of the site.
    pub site: String,
    /// Where they are.
    pub state: Presence,
    /// Instant of the last punch.
    pub last_at: Option<Moment>,
    /// `09:14`, site time of the punch that made the state.
    pub since: Option<String>,
    /// `09:14`, site time of today's first punch in.
    pub first_in: Option<String>,
    /// Where it was made: `Gate-1 face`.
    pub device: Option<String>,
    /// Milliseconds from the punch to the server, when the device's clock can be believed.
    pub lag_ms: Option<i64>,
}

/// Counts over everybody (not over the filter), for the tiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardTiles {
    /// All people on the board.
    pub people: i64,
    /// Now in.
    pub present: i64,
    /// On break.
    pub on_break: i64,
    /// Out again.
    pub out: i64,
    /// Without a punch today.
    pub not_seen: i64,
}

/// A site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The customer's key.
    pub key: String,
    /// Display name.
    pub name: String,
    /// IANA zone, `Europe/London`.
    pub zone: String,
}

/// The board as of one revision of the topic `attendance`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    /// Everybody, sorted by name; at most 2,000. Filters work in the page.
    pub rows: Vec<BoardRow>,
    /// Over all rows.
    pub tiles: BoardTiles,
    /// For the filter.
    pub sites: Vec<Site>,
    /// For the filter.
    pub departments: Vec<String>,
    /// Revision of the topic, read before the rows.
    pub as_of: i64,
}
