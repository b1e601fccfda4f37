//! What will happen: the worker's plan, walked to its end.

use app::model::delivery::{Class, Debt, End, Owed, Rule, State, ahead, words};
use jiff::Timestamp;

use super::answer::{Delivery, Step};
use super::when;
use crate::store::history as store;

/// What the walk starts from.
pub(super) struct Ahead<'a> {
    pub(super) class: &'a Class,
    /// `None`: it is settled, or too young to have one.
    pub(super) debt: Option<&'a store::Debt>,
    pub(super) delivery: &'a Delivery,
    pub(super) rule: Rule,
    pub(super) jitter: f64,
    /// Phones and browsers that can be pushed to.
    pub(super) phones: usize,
    /// The user was removed.
    pub(super) gone: bool,
    pub(super) now: Timestamp,
}

impl Ahead<'_> {
    /// Soonest first; empty when nothing is owed.
    pub(super) fn steps(&self) -> Vec<Step> {
        let state = self.delivery.state();
        if state.is_enough(self.rule) {
            return Vec::new();
        }
        let debt = self.debt.map_or_else(Debt::default, |debt| Debt {
            rung: usize::try_from(debt.rung).unwrap_or(0),
            tries: u32::try_from(debt.tries).unwrap_or(0),
            push_at: debt.push_at.map(|at| at.to_jiff().as_millisecond()),
        });
        let taken = |one: &super::Push| one.purpose == "notify" && one.outcome == "taken";
        let owed = Owed {
            state,
            rule: self.rule,
            pushed: self.delivery.pushes.iter().any(taken),
            gone: self.gone,
            routed_at: self.delivery.routed_at.as_millisecond(),
            expires_at: self.delivery.expires_at.as_millisecond(),
        };
        let now = self.now.as_millisecond();
        let walked = ahead(self.class, debt, owed, now, self.jitter, self.phones > 0);
        let mut steps = Vec::new();
        for one in walked {
            let Ok(at) = Timestamp::from_millisecond(one.at) else {
                continue;
            };
            for due in one.due {
                steps.push(Step {
                    at,
                    text: words::due(self.class, due, self.phones),
                    end: None,
                });
            }
            if let Some(end) = one.end {
                steps.push(Step {
                    at,
                    text: words::end(end).to_owned(),
                    end: match end {
                        End::Paid => None,
                        End::Expire => Some(State::Expired.word()),
                        End::GiveUp | End::Remove => Some(State::Dead.word()),
                    },
                });
            }
        }
        steps
    }
}

/// The next step in a sentence.
pub(super) fn in_words(steps: &[Step], delivery: &Delivery, rule: Rule) -> String {
    match steps.first() {
        None => {
            let by = delivery.settled_by.as_deref().unwrap_or("a device");
            match delivery.state() {
                State::Acked => format!("Nothing: acked by {by}."),
                state if state.is_enough(rule) && !state.is_terminal() => {
                    format!("Nothing: read by {by}, which is enough.")
                }
                State::Dead => "Nothing: it was given up.".to_owned(),
                state => format!("Nothing: it is {}.", state.word()),
            }
        }
        Some(step) if step.end == Some("expired") => {
            format!("Parked until it expires at {}.", when(step.at))
        }
        Some(step) => format!("Next, at {}: {}.", when(step.at), step.text),
    }
}
