//! Room 5. Ack and retry: what is still owed, and what is done about it.
//!
//! [`ack`] settles. [`sweep`] finds what nobody settled within a few seconds and makes a debt of it;
//! [`worker`] claims debts when they are due, climbs the ladder of their class (`app::model::delivery`),
//! and ends what has come to its end. A debt is a row: a restarted server goes on where it was.

pub mod ack;
pub mod acked_set;
pub mod attempts;
pub mod deputy;
pub mod passed;
pub mod phones;
pub mod removal;
pub mod retention;
pub mod sweep;
#[cfg(test)]
pub(crate) mod tests;
pub mod watch;
pub mod worker;

/// Who is here, as far as this room asks. The hub implements it.
pub trait Reach: Send + Sync + 'static {
    /// The users with a connection. One who comes later begins with what is owed, as every connection does.
    fn here(&self) -> Vec<uuid::Uuid>;

    /// There is an item the user's devices may not have: connections without it get it in its turn, and
    /// those that hold it unconfirmed are asked whether they live. `last`: nobody will ask again. Answers
    /// how many connections there are. Never blocks.
    fn again(&self, user: uuid::Uuid, seq: i64, last: bool) -> usize;
}
