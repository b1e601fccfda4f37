//! What a connection was told the number of, instead of each item ([`super::super::backlog`]).

use std::sync::Arc;

use super::Client;
use crate::hub::backlog::Summed;

impl Client {
    /// How many of the numbers given before it came it may be owed.
    pub(crate) fn owed_at_most(&self) -> i64 {
        let inner = self.inner.lock();
        inner.replayed_through - inner.gate.sent_through()
    }

    /// What it was told the number of; `None`: its replay has begun, and nothing was read yet.
    pub(crate) fn sums(&self) -> Option<Arc<[Summed]>> {
        self.inner.lock().summed.clone()
    }

    /// These it was told the number of: they do not come one by one.
    pub(crate) fn told_in_sum(&self, summed: Vec<Summed>) {
        self.inner.lock().summed = Some(summed.into());
    }

    /// Is there something it was told the number of only?
    pub(crate) fn was_told_a_sum(&self) -> bool {
        self.sums().is_some_and(|sums| !sums.is_empty())
    }

    /// What it was told of a class.
    pub(crate) fn summed(&self, class: &str) -> Option<Summed> {
        let sums = self.sums()?;
        sums.iter().find(|one| one.is_of(class)).cloned()
    }
}
