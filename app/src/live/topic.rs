//! What to do with a patch: the rules of [`Patch`], without a browser, so that they can be tested.

use crate::protocol::Patch;

/// Patches kept while a snapshot is under way. More than this many, and another snapshot is
/// cheaper than the replay.
const HELD: usize = 256;

/// What the page does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Put these rows and counts in place.
    Apply,
    /// Known already, or kept until the snapshot lands.
    Ignore,
    /// Fetch the snapshot.
    Refetch,
}

/// What to do when a snapshot has landed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Landed {
    /// Patches that came meanwhile and build on it, in order.
    pub apply: Vec<Patch>,
    /// One of them left a gap: fetch again.
    pub again: bool,
}

/// One topic as one list knows it.
#[derive(Clone, Debug)]
pub struct Topic {
    known: i64,
    fetching: bool,
    held: Vec<Patch>,
    spilled: bool,
}

impl Topic {
    /// A topic whose snapshot stands at `as_of`.
    #[must_use]
    pub fn new(as_of: i64) -> Self {
        Self {
            known: as_of,
            fetching: false,
            held: Vec::new(),
            spilled: false,
        }
    }

    /// The revision on screen.
    #[must_use]
    pub fn known(&self) -> i64 {
        self.known
    }

    /// Judges a patch: apply if `from <= known < rev`, ignore `rev <= known`, refetch after a gap
    /// or when the sender does not say what changed. After [`Verdict::Refetch`] the topic counts
    /// as fetching until [`Topic::landed`] or [`Topic::failed`].
    pub fn judge(&mut self, patch: &Patch) -> Verdict {
        if self.fetching {
            self.hold(patch);
            return Verdict::Ignore;
        }
        let verdict = self.look(patch);
        match verdict {
            Verdict::Apply => self.known = patch.rev,
            Verdict::Refetch => self.fetching = true,
            Verdict::Ignore => {}
        }
        verdict
    }

    /// A fetch begins for a reason of the page's own. `false` when one is under way already.
    pub fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.fetching, true)
    }

    /// The snapshot arrived; `known` becomes its revision, even when that is lower: a database
    /// may have been put back.
    pub fn landed(&mut self, as_of: i64) -> Landed {
        self.fetching = false;
        self.known = as_of;
        let mut landed = Landed {
            apply: Vec::new(),
            again: std::mem::take(&mut self.spilled),
        };
        for patch in std::mem::take(&mut self.held) {
            match self.look(&patch) {
                Verdict::Apply => {
                    self.known = patch.rev;
                    landed.apply.push(patch);
                }
                Verdict::Refetch => landed.again = true,
                Verdict::Ignore => {}
            }
        }
        landed
    }

    /// The snapshot did not arrive; the next patch asks again.
    pub fn failed(&mut self) {
        self.fetching = false;
        self.held.clear();
        self.spilled = false;
        // Whatever comes next is a gap now: something was missed, or we would not have fetched.
        self.known = i64::MIN;
    }

    fn look(&self, patch: &Patch) -> Verdict {
        if patch.from > self.known {
            Verdict::Refetch
        } else if patch.rev <= self.known {
            Verdict::Ignore
        } else if patch.resync {
            Verdict::Refetch
        } else {
            Verdict::Apply
        }
    }

    fn hold(&mut self, patch: &Patch) {
        if self.held.len() < HELD {
            self.held.push(patch.clone());
        } else {
            self.held.clear();
            self.spilled = true;
        }
    }
}

/// What the client puts in place of a patch after it joined a topic whose revision is not the
/// snapshot's: its `from` lies beyond everything known, so it is always a gap.
#[must_use]
pub fn rejoined(topic: &str, rev: i64) -> Patch {
    Patch {
        topic: topic.to_owned(),
        from: i64::MAX,
        rev,
        upsert: Vec::new(),
        remove: Vec::new(),
        counts: None,
        resync: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(from: i64, rev: i64) -> Patch {
        Patch {
            resync: false,
            from,
            ..rejoined("attendance", rev)
        }
    }

    #[test]
    fn a_patch_that_builds_on_the_known_revision_is_applied_once() {
        let mut topic = Topic::new(7);
        assert_eq!(topic.judge(&patch(7, 9)), Verdict::Apply);
        assert_eq!(topic.judge(&patch(7, 9)), Verdict::Ignore);
        assert_eq!(
            topic.judge(&patch(8, 10)),
            Verdict::Apply,
            "absolute values may overlap"
        );
        assert_eq!(topic.known(), 10);
    }

    #[test]
    fn a_gap_or_a_silent_sender_asks_for_the_snapshot() {
        assert_eq!(Topic::new(7).judge(&patch(8, 9)), Verdict::Refetch);
        let silent = Patch {
            resync: true,
            ..patch(7, 8)
        };
        assert_eq!(Topic::new(7).judge(&silent), Verdict::Refetch);
        assert_eq!(
            Topic::new(8).judge(&silent),
            Verdict::Ignore,
            "the snapshot has it already"
        );
        assert_eq!(
            Topic::new(8).judge(&rejoined("attendance", 8)),
            Verdict::Refetch
        );
    }

    #[test]
    fn patches_during_a_fetch_are_replayed_on_the_snapshot() {
        let mut topic = Topic::new(1);
        assert_eq!(topic.judge(&patch(3, 4)), Verdict::Refetch);
        for (from, rev) in [(4, 5), (5, 6), (6, 7)] {
            assert_eq!(topic.judge(&patch(from, rev)), Verdict::Ignore);
        }
        let landed = topic.landed(5);
        assert_eq!(landed.apply, vec![patch(5, 6), patch(6, 7)]);
        assert!(!landed.again);
        assert_eq!(topic.known(), 7);
    }

    #[test]
    fn a_gap_after_the_snapshot_fetches_again() {
        let mut topic = Topic::new(1);
        assert!(topic.begin());
        assert!(!topic.begin(), "one fetch at a time");
        assert_eq!(topic.judge(&patch(8, 9)), Verdict::Ignore);
        assert!(topic.landed(5).again);
    }

    #[test]
    fn too_many_held_patches_cost_one_more_snapshot() {
        let mut topic = Topic::new(0);
        assert!(topic.begin());
        for rev in 1..=300 {
            topic.judge(&patch(rev - 1, rev));
        }
        assert!(topic.landed(2).again);
    }

    #[test]
    fn after_a_failed_fetch_the_next_patch_asks_again() {
        let mut topic = Topic::new(4);
        assert!(topic.begin());
        topic.failed();
        assert_eq!(topic.judge(&patch(4, 5)), Verdict::Refetch);
    }

    #[test]
    fn a_database_put_back_wins() {
        let mut topic = Topic::new(90);
        assert_eq!(topic.judge(&rejoined("inbox", 40)), Verdict::Refetch);
        topic.landed(40);
        assert_eq!(topic.judge(&patch(40, 41)), Verdict::Apply);
    }
}
