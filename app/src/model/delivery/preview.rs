//! What lies before a delivery if nobody settles it, and what a class means, told as stories. Both walk
//! the same [`plan`] as the server's worker, so that they cannot say anything else than what it does.

use serde::{Deserialize, Serialize};

use super::class::{Class, Sufficient};
use super::ladder::{Debt, Due, End, Owed, plan};
use super::state::{Rule, State};
use super::words;

/// More steps than any ladder has; a walk that does not end is a fault.
const MOST_STEPS: usize = 64;

/// One step that lies ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// What is done then.
    pub due: Vec<Due>,
    /// It ends with that.
    pub end: Option<End>,
}

/// Everything that follows from `now` on, until the end, if nobody settles it. `phones`: pushes are taken
/// by somebody, so that there is something to take back.
#[must_use]
pub fn ahead(
    class: &Class,
    mut debt: Debt,
    mut owed: Owed,
    mut now: i64,
    jitter: f64,
    phones: bool,
) -> Vec<Ahead> {
    let mut steps = Vec::new();
    for _ in 0..MOST_STEPS {
        let plan = plan(class, debt, owed, now, jitter);
        owed.pushed |= phones && plan.due.contains(&Due::Push);
        if !plan.due.is_empty() || plan.end.is_some() {
            steps.push(Ahead {
                at: now,
                due: plan.due,
                end: plan.end,
            });
        }
        if plan.end.is_some() {
            break;
        }
        (debt, now) = (plan.left, plan.next_at);
    }
    steps
}

/// What a class means.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// What settles a delivery.
    pub settled_by: String,
    /// How long it is worth delivering.
    pub life: String,
    /// What happens to three users.
    pub stories: Vec<Story>,
}

/// What happens to one user.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// `nobody`, `reader`, `phone`.
    pub key: String,
    /// Who it is about: `Nobody acks, no phone`.
    pub title: String,
    /// In their order.
    pub events: Vec<Happening>,
}

/// One thing that happens.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// Seconds after it was routed, at the earliest.
    pub after: u32,
    /// At the latest: rungs are spread by up to a tenth, so that a blast is none at the maker's service.
    pub latest: u32,
    /// What, in words.
    pub text: String,
}

/// Tells what the class means.
#[must_use]
pub fn preview(class: &Class) -> Preview {
    let told = |key: &str, title: &str, events| Story {
        key: key.to_owned(),
        title: title.to_owned(),
        events,
    };
    Preview {
        settled_by: words::settled_by(class.ack_by, class.sufficient).to_owned(),
        life: words::span(class.life),
        stories: vec![
            told("nobody", "Nobody acks, and no phone is registered", {
                story(class, State::Queued, 0)
            }),
            told("reader", "A client that never acks reads it at once", {
                story(class, State::Reached, 0)
            }),
            told("phone", "Nobody is connected, and a phone is registered", {
                story(class, State::Queued, 1)
            }),
        ],
    }
}

fn story(class: &Class, state: State, phones: usize) -> Vec<Happening> {
    let rule = Rule {
        ack_by: class.ack_by,
        sufficient: class.sufficient,
        hidden: false,
    };
    let life = i64::from(class.life) * 1_000;
    let owed = Owed {
        state,
        rule,
        pushed: false,
        gone: false,
        routed_at: 0,
        expires_at: life,
    };
    let enough = state.is_enough(rule);
    let first = match (state, phones) {
        (State::Reached, _) if enough => {
            "to every open connection; it is read, and that is enough: nothing more is done"
        }
        (State::Reached, _) if class.sufficient == Sufficient::Reached => {
            "to every open connection; it is read, which does not count here: the class waits for acks"
        }
        (State::Reached, _) => {
            "to every open connection; it is read, which is not enough: the class waits for an ack"
        }
        (_, 0) => "to every open connection; whoever connects later gets it then, until it ends",
        _ => "nobody is connected: it waits for whoever comes, until it ends",
    };
    let mut events = vec![Happening {
        after: 0,
        latest: 0,
        text: first.to_owned(),
    }];
    if enough {
        return events;
    }
    let seconds = |ms: i64| u32::try_from(ms / 1_000).unwrap_or(u32::MAX);
    let away = class.push_away().filter(|_| phones > 0);
    let debt = if phones > 0 {
        Debt {
            rung: class.first_rung_away(true),
            push_at: away,
            ..Debt::default()
        }
    } else {
        Debt::default()
    };
    let walk = ahead(class, debt, owed, 0, 0.0, phones > 0);
    let mut pushed = false;
    for step in walk {
        let after = seconds(step.at);
        let is_rung = class.ladder.iter().any(|rung| rung.after == after) || away == Some(step.at);
        let latest = if is_rung {
            (after + after / 10).min(class.life)
        } else {
            after
        };
        let mut happens = |text: String| {
            events.push(Happening {
                after,
                latest,
                text,
            });
        };
        for due in step.due {
            let again = due == Due::Push && pushed;
            pushed |= due == Due::Push && phones > 0;
            happens(if again {
                "push to phones and browsers that have not taken it".to_owned()
            } else {
                words::due(class, due, phones)
            });
        }
        if let Some(end) = step.end {
            happens(words::end(end).to_owned());
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(class: &str, story: &str) -> Vec<(u32, String)> {
        let class: Class = serde_json::from_str(class).unwrap();
        let preview = preview(&class);
        let story = preview.stories.into_iter().find(|one| one.key == story);
        let events = story.unwrap().events.into_iter();
        events.map(|one| (one.after, one.text)).collect()
    }

    const LADDER: &str = r#""ladder":[{"after":5,"do":"again"},{"after":30,"do":"push"},
        {"after":60,"do":"deputy"},{"after":90,"do":"give_up"}]"#;

    #[test]
    fn every_rung_and_the_end_are_told() {
        let told = told(&format!(r#"{{"life":1000,{LADDER}}}"#), "nobody");
        let times: Vec<u32> = told.iter().map(|(after, _)| *after).collect();
        assert_eq!(times, [0, 5, 30, 60, 90]);
        assert!(told[2].1.contains("no phone"), "{told:?}");
        assert!(told[4].1.contains("dead letter"), "{told:?}");
    }

    #[test]
    fn reading_ends_it_only_where_it_is_enough() {
        let enough = format!(r#"{{"life":1000,"sufficient":"reached",{LADDER}}}"#);
        assert_eq!(told(&enough, "reader").len(), 1);
        let acked = format!(r#"{{"life":1000,{LADDER}}}"#);
        assert_eq!(told(&acked, "reader").len(), 5);
        let every =
            format!(r#"{{"life":1000,"sufficient":"reached","ack_by":"every_device",{LADDER}}}"#);
        assert_eq!(told(&every, "reader").len(), 5);
    }

    #[test]
    fn what_a_phone_shows_is_taken_back_at_the_end() {
        let class = format!(r#"{{"life":1000,{LADDER}}}"#);
        let plain = told(&class, "phone");
        let push = "push to 1 phone or browser";
        assert_eq!(plain[1], (30, push.to_owned()));
        assert_eq!(plain[3], (90, "what phones show is taken back".to_owned()));
        assert_eq!(plain[4].0, 90);
        let soon = told(
            &class.replace("1000,", r#"1000,"push":{"away":5},"#),
            "phone",
        );
        assert_eq!(soon[1], (5, push.to_owned()));
        assert_eq!(
            soon[2],
            (
                30,
                "push to phones and browsers that have not taken it".to_owned()
            )
        );
    }

    #[test]
    fn without_rungs_it_waits_and_expires() {
        let told = told(r#"{"life":60}"#, "nobody");
        assert_eq!(told.len(), 2);
        assert_eq!(told[1].0, 60);
    }

    #[test]
    fn what_lies_ahead_starts_where_the_debt_stands() {
        let class: Class = serde_json::from_str(&format!(r#"{{"life":1000,{LADDER}}}"#)).unwrap();
        let owed = Owed {
            state: State::Queued,
            rule: Rule::default(),
            pushed: false,
            gone: false,
            routed_at: 0,
            expires_at: 1_000_000,
        };
        let debt = Debt {
            rung: 2,
            tries: 1,
            push_at: Some(45_000),
        };
        let steps = ahead(&class, debt, owed, 40_000, 0.0, true);
        let at: Vec<i64> = steps.iter().map(|step| step.at).collect();
        assert_eq!(at, [45_000, 60_000, 90_000]);
        assert_eq!(steps[0].due, [Due::Push]);
    }
}
