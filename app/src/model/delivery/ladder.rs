//! What is due for a delivery that nobody has settled: the rungs of its class's ladder, each once, and
//! its end. Times are milliseconds since the epoch.

use super::class::{Class, Step};
use super::state::{Rule, State};

/// First pause before a push that a provider did not take is tried again, unless it names one.
const PUSH_PAUSE: i64 = 10_000;
/// Pauses double up to this.
const LONGEST_PAUSE: i64 = 15 * 60_000;

/// How far up the ladder a delivery is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Debt {
    /// The next rung; those before it were done.
    pub rung: usize,
    /// Pushes that were not taken, one after the other.
    pub tries: u32,
    /// A push is to be tried again then.
    pub push_at: Option<i64>,
}

/// What is known of the delivery itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Where it stands.
    pub state: State,
    /// What settles it.
    pub rule: Rule,
    /// A phone shows it, perhaps.
    pub pushed: bool,
    /// Its user was removed.
    pub gone: bool,
    /// When it was routed.
    pub routed_at: i64,
    /// When it stops being worth delivering.
    pub expires_at: i64,
}

/// Something to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// To connections that do not have it. `last`: the silent ones are cut.
    Again {
        /// No such rung comes after it.
        last: bool,
    },
    /// To the phones that have not taken it.
    Push,
    /// To the deputy.
    Deputy,
    /// What phones show is taken back.
    Withdraw,
}

/// How a debt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The delivery is settled: nothing is owed.
    Paid,
    /// The delivery becomes expired.
    Expire,
    /// The delivery becomes dead.
    GiveUp,
    /// The delivery becomes dead: its user was removed.
    Remove,
}

/// What to do now, and when to look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In this order.
    pub due: Vec<Due>,
    /// The debt ends, after that.
    pub end: Option<End>,
    /// What is left of it, when it does not end.
    pub left: Debt,
    /// When to look again; without meaning at the end.
    pub next_at: i64,
}

/// What is due at `now`. `jitter` spreads one delivery's rungs by up to a tenth, 0.0 to 1.0: a blast to
/// 10,000 phones must not push to all of them in one instant.
///
/// Rungs that were missed (the server was down) are done at once, each kind once: nobody needs the same
/// push twice because two of its rungs went by.
#[must_use]
pub fn plan(class: &Class, debt: Debt, owed: Owed, now: i64, jitter: f64) -> Plan {
    let ended = |due: Vec<Due>, end| Plan {
        due,
        end: Some(end),
        left: debt,
        next_at: i64::MAX,
    };
    let withdraw = || {
        if owed.pushed {
            vec![Due::Withdraw]
        } else {
            Vec::new()
        }
    };
    // Read, where that is enough, counts as settled too: it does not expire, it is simply not acked.
    if owed.state.is_enough(owed.rule) {
        return ended(withdraw(), End::Paid);
    }
    if owed.gone {
        return ended(withdraw(), End::Remove);
    }
    if now >= owed.expires_at {
        return ended(withdraw(), End::Expire);
    }
    let mut left = debt;
    let mut due = Vec::new();
    let at = |rung: usize| -> Option<i64> {
        let rung = class.ladder.get(rung)?;
        let after = i64::from(rung.after) * 1_000;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "a tenth of at most 28 days in milliseconds is exact in both"
        )]
        let spread = (after as f64 / 10.0 * jitter) as i64;
        Some(owed.routed_at + after + spread)
    };
    let mut push = left.push_at.is_some_and(|push_at| push_at <= now);
    while let Some(when) = at(left.rung) {
        if when > now {
            break;
        }
        let step = class.ladder[left.rung].step;
        left.rung += 1;
        match step {
            Step::Again => {
                let last = !class.ladder[left.rung..]
                    .iter()
                    .any(|rung| rung.step == Step::Again);
                due.retain(|one| !matches!(one, Due::Again { .. }));
                due.push(Due::Again { last });
            }
            Step::Push => push = true,
            Step::Deputy => due.push(Due::Deputy),
            Step::GiveUp => return ended(withdraw(), End::GiveUp),
        }
    }
    if push {
        left.push_at = None;
        due.push(Due::Push);
    }
    let next = [at(left.rung), left.push_at];
    let next_at = next.into_iter().flatten().fold(owed.expires_at, i64::min);
    Plan {
        due,
        end: None,
        left,
        next_at,
    }
}

impl Class {
    /// When somebody with a phone and no connection is pushed to, in milliseconds after it was routed, if that is before the
    /// ladder's own push.
    #[must_use]
    pub fn push_away(&self) -> Option<i64> {
        let away = self.push.away?;
        let mut rungs = self.ladder.iter();
        let own = rungs.find(|rung| rung.step == Step::Push);
        own.is_none_or(|own| away < own.after)
            .then(|| i64::from(away) * 1_000)
    }

    /// The first rung that does something for a user without a connection: one that is opened later begins
    /// with what is owed, so nothing is to be repeated to it. `pushes`: there is a phone to push to.
    #[must_use]
    pub fn first_rung_away(&self, pushes: bool) -> usize {
        let idle = |step: Step| step == Step::Again || step == Step::Push && !pushes;
        let mut rungs = self.ladder.iter();
        rungs
            .position(|rung| !idle(rung.step))
            .unwrap_or(self.ladder.len())
    }
}

impl Plan {
    /// A push was not taken by all: it is tried again after what the provider asked for, or after a pause
    /// that doubles. The rungs after it do not wait for that.
    #[must_use]
    pub fn push_again(mut self, asked: Option<i64>, now: i64) -> Self {
        let doubled = PUSH_PAUSE << self.left.tries.min(10);
        let pause = asked.unwrap_or(0).max(doubled.min(LONGEST_PAUSE));
        let push_at = now.saturating_add(pause);
        self.left.tries += 1;
        self.left.push_at = Some(push_at);
        self.next_at = self.next_at.min(push_at);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delivery::{AckBy, Sufficient};

    fn class(ladder: &str) -> Class {
        serde_json::from_str(&format!(r#"{{"life":1000,"ladder":{ladder}}}"#)).unwrap()
    }

    const OWED: Owed = Owed {
        state: State::Queued,
        rule: Rule {
            ack_by: AckBy::AnyDevice,
            sufficient: Sufficient::Acked,
            hidden: false,
        },
        pushed: false,
        gone: false,
        routed_at: 1_000_000,
        expires_at: 2_000_000,
    };

    const FULL: &str = r#"[{"after":5,"do":"again"},{"after":20,"do":"again"},{"after":30,"do":"push"},
                           {"after":60,"do":"deputy"},{"after":90,"do":"give_up"}]"#;

    #[test]
    fn rung_by_rung_to_the_end() {
        let class = class(FULL);
        let mut debt = Debt::default();
        let mut seen = Vec::new();
        let mut now = OWED.routed_at;
        loop {
            let plan = plan(&class, debt, OWED, now, 0.0);
            seen.push((now - OWED.routed_at, plan.due.clone(), plan.end));
            if plan.end.is_some() {
                break;
            }
            assert!(plan.next_at > now);
            (debt, now) = (plan.left, plan.next_at);
        }
        assert_eq!(
            seen,
            [
                (0, vec![], None),
                (5_000, vec![Due::Again { last: false }], None),
                (20_000, vec![Due::Again { last: true }], None),
                (30_000, vec![Due::Push], None),
                (60_000, vec![Due::Deputy], None),
                (90_000, vec![], Some(End::GiveUp)),
            ]
        );
    }

    #[test]
    fn without_an_end_it_is_parked_until_it_expires() {
        let class = class(r#"[{"after":5,"do":"again"}]"#);
        let parked = plan(
            &class,
            Debt {
                rung: 1,
                ..Debt::default()
            },
            OWED,
            1_500_000,
            0.0,
        );
        assert_eq!((parked.due, parked.next_at), (vec![], OWED.expires_at));
        let over = plan(&class, Debt::default(), OWED, OWED.expires_at, 0.0);
        assert_eq!((over.due, over.end), (vec![], Some(End::Expire)));
    }

    #[test]
    fn what_was_missed_is_made_up_once() {
        let plan = plan(&class(FULL), Debt::default(), OWED, 1_050_000, 0.0);
        assert_eq!(plan.due, [Due::Again { last: true }, Due::Push]);
        assert_eq!(plan.next_at, 1_060_000);
    }

    #[test]
    fn a_settled_one_is_paid_and_its_pushes_are_taken_back() {
        for (state, pushed, due) in [
            (State::Acked, false, vec![]),
            (State::Cancelled, true, vec![Due::Withdraw]),
        ] {
            let owed = Owed {
                state,
                pushed,
                ..OWED
            };
            let plan = plan(&class(FULL), Debt::default(), owed, 1_050_000, 0.0);
            assert_eq!((plan.due, plan.end), (due, Some(End::Paid)));
        }
    }

    #[test]
    fn read_and_enough_climbs_no_further() {
        let mut owed = Owed {
            state: State::Reached,
            ..OWED
        };
        let still = plan(&class(FULL), Debt::default(), owed, 1_050_000, 0.0);
        assert!(!still.due.is_empty());
        owed.rule.sufficient = Sufficient::Reached;
        let enough = plan(&class(FULL), Debt::default(), owed, 1_050_000, 0.0);
        assert_eq!((enough.due, enough.end), (vec![], Some(End::Paid)));
    }

    #[test]
    fn a_push_that_was_not_taken_holds_up_no_rung() {
        let class = class(FULL);
        let first = plan(
            &class,
            Debt {
                rung: 2,
                ..Debt::default()
            },
            OWED,
            1_030_000,
            0.0,
        );
        let again = first.push_again(Some(45_000), 1_030_000);
        assert_eq!(again.next_at, 1_060_000, "the deputy's turn comes first");
        let deputy = plan(&class, again.left, OWED, 1_060_000, 0.0);
        assert_eq!((deputy.due, deputy.next_at), (vec![Due::Deputy], 1_075_000));
        let push = plan(&class, deputy.left, OWED, 1_075_000, 0.0);
        assert_eq!(push.due, [Due::Push]);
        assert_eq!(push.left.tries, 1);
        let doubled = push.push_again(None, 1_075_000);
        assert_eq!(doubled.left.push_at, Some(1_095_000));
    }

    #[test]
    fn nothing_is_repeated_to_nobody() {
        let first = |ladder, pushes| class(ladder).first_rung_away(pushes);
        assert_eq!((first(FULL, true), first(FULL, false)), (2, 3));
        let urgent =
            r#"[{"after":5,"do":"push"},{"after":6,"do":"again"},{"after":9,"do":"give_up"}]"#;
        assert_eq!((first(urgent, true), first(urgent, false)), (0, 2));
        assert_eq!(first(r#"[{"after":5,"do":"again"}]"#, true), 1, "parked");
    }

    #[test]
    fn jitter_spreads_a_rung_by_a_tenth() {
        let class = class(r#"[{"after":100,"do":"push"}]"#);
        let at = |jitter| plan(&class, Debt::default(), OWED, 1_000_000, jitter).next_at;
        assert_eq!((at(0.0), at(0.5)), (1_100_000, 1_105_000));
    }
}
