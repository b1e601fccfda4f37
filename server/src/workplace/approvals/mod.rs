//! Approvals: somebody asks, somebody else decides, everybody involved sees it at once.
//!
//! A request goes through its steps one after the other; in each, the first of those asked who
//! decides, decides for all. Guaranteed: a step is decided once, whoever clicks at the same
//! instant; the decision, the audit line, the notifications and the revisions of every screen that
//! shows the request commit together; nobody decides what they asked for.

mod act;
mod announce;
mod decide;
mod detail;
mod list;
mod notices;
mod submit;
#[cfg(test)]
mod tests;
mod withdraw;

pub use act::number;
pub use decide::{decide, decide_in};
pub use detail::detail;
pub use list::{counts, list};
pub use submit::{NewRequest, NewStep, Submitted, submit, submit_in};
pub use withdraw::withdraw;
