//! Each violation on its own: one step of a whole story is changed, and the audit must say which.

use super::*;
use crate::verify::journal::{Acked, Mark, Turn};

fn id(number: u64) -> Uuid {
    Uuid::from_u128(u128::from(number) + 1)
}

fn sent(number: u64, to: &[&str]) -> Sent {
    Sent {
        number,
        recipients: to.iter().map(|user| Arc::from(*user)).collect(),
        began: Duration::from_millis(100 * number),
        tries: 1,
        fate: Fate::Accepted {
            at: Duration::from_millis(100 * number + 5),
            ids: vec![id(number)],
        },
    }
}

fn heard(number: u64, user: &str, connection: &str, seq: i64) -> Heard {
    Heard {
        at: Duration::from_millis(100 * number + 9),
        user: user.into(),
        connection: connection.into(),
        id: id(number),
        seq,
        replayed: false,
        mark: Some(Mark {
            run: "r".into(),
            number,
        }),
    }
}

/// Three notifications: to a, to a and b, to b; all received, the first acknowledged.
fn whole() -> (Pages, States) {
    let pages = Pages {
        sent: vec![sent(1, &["a"]), sent(2, &["a", "b"]), sent(3, &["b"])],
        heard: vec![
            heard(1, "a", "a#1", 1),
            heard(2, "a", "a#1", 2),
            heard(2, "b", "b#1", 1),
            heard(3, "b", "b#1", 2),
        ],
        acked: vec![Acked {
            user: "a".into(),
            id: id(1),
        }],
        turns: vec![Turn {
            at: Duration::ZERO,
            user: "a".into(),
            gone: None,
        }],
        ..Pages::default()
    };
    let states = [(id(1), Some([("a".into(), "acked".to_owned())].into()))];
    (pages, states.into())
}

fn found(pages: &Pages, states: &States) -> Findings {
    judge(&Evidence {
        run: "r",
        pages,
        states,
        alone: false,
        broken_off: false,
    })
}

/// The only violation of a whole story that was changed.
fn only(change: impl FnOnce(&mut Pages, &mut States)) -> Violation {
    let (mut pages, mut states) = whole();
    change(&mut pages, &mut states);
    let mut violations = found(&pages, &states).violations;
    assert_eq!(violations.len(), 1, "{violations:?}");
    violations.remove(0)
}

#[test]
fn a_whole_story_has_nothing_wrong_and_counts_right() {
    let (pages, states) = whole();
    let findings = found(&pages, &states);
    assert_eq!(findings.violations, []);
    assert_eq!(
        (findings.accepted, findings.owed, findings.received),
        (3, 4, 4)
    );
    assert_eq!(
        (findings.doubles, findings.acked, findings.acks_read),
        (0, 1, 1)
    );
    assert_eq!(findings.latency(50), Some(Duration::from_millis(9)));
    assert_eq!(outstanding("r", &pages), 0);
}

#[test]
fn what_never_came_is_lost_unless_it_was_broken_off() {
    let (mut pages, states) = whole();
    pages.heard.remove(2);
    assert_eq!(outstanding("r", &pages), 1);
    let lost = Violation::Lost {
        number: 2,
        id: Some(id(2)),
        user: "b".into(),
    };
    assert_eq!(found(&pages, &states).violations, [lost]);
    let findings = judge(&Evidence {
        run: "r",
        pages: &pages,
        states: &states,
        alone: false,
        broken_off: true,
    });
    assert_eq!((findings.violations.len(), findings.outstanding), (0, 1));
}

#[test]
fn twice_on_one_connection_is_a_violation_and_on_two_a_double() {
    let doubled = only(|pages, _| pages.heard.push(heard(2, "b", "b#1", 1)));
    assert!(matches!(&doubled, Violation::Doubled { connection, .. } if &**connection == "b#1"));

    let (mut pages, states) = whole();
    pages.heard.push(heard(2, "b", "b#2", 1));
    let findings = found(&pages, &states);
    assert_eq!(
        (
            findings.violations.len(),
            findings.doubles,
            findings.received
        ),
        (0, 1, 4)
    );
}

#[test]
fn a_smaller_number_after_a_larger_one_is_out_of_order() {
    let wrong = only(|pages, _| pages.heard.swap(0, 1));
    assert!(
        matches!(
            wrong,
            Violation::OutOfOrder {
                seq: 1,
                after: 2,
                ..
            }
        ),
        "{wrong}"
    );
}

#[test]
fn what_was_for_somebody_else_or_never_published_is_foreign() {
    let elses = only(|pages, _| pages.heard.push(heard(3, "a", "a#1", 3)));
    assert!(
        matches!(&elses, Violation::Foreign { user, .. } if &**user == "a"),
        "{elses}"
    );
    let never = only(|pages, _| pages.heard.push(heard(9, "a", "a#1", 3)));
    assert!(matches!(never, Violation::Foreign { .. }), "{never}");
}

#[test]
fn what_others_publish_is_counted_and_foreign_only_to_those_who_are_alone() {
    let (mut pages, states) = whole();
    pages.heard.push(Heard {
        mark: None,
        ..heard(7, "a", "a#1", 3)
    });
    let mut evidence = Evidence {
        run: "r",
        pages: &pages,
        states: &states,
        alone: false,
        broken_off: false,
    };
    let findings = judge(&evidence);
    assert_eq!((findings.violations.len(), findings.others), (0, 1));
    evidence.alone = true;
    assert!(matches!(
        judge(&evidence).violations[..],
        [Violation::Foreign { .. }]
    ));
}

#[test]
fn one_key_that_became_two_is_said_by_the_answers_and_by_what_came() {
    let answered = only(|pages, _| {
        pages.sent[0].fate = Fate::Accepted {
            at: Duration::ZERO,
            ids: vec![id(1), id(8)],
        };
    });
    assert!(
        matches!(answered, Violation::PublishedTwice { number: 1, .. }),
        "{answered}"
    );
    // A commit that was in doubt and one that was tried again: both came, under two ids.
    let came = only(|pages, _| {
        pages.heard.push(Heard {
            id: id(8),
            ..heard(1, "a", "a#1", 3)
        });
    });
    assert!(
        matches!(came, Violation::PublishedTwice { number: 1, .. }),
        "{came}"
    );
}

#[test]
fn an_ack_that_was_answered_and_is_not_kept_is_named() {
    let queued = only(|_, states| {
        states.insert(id(1), Some([("a".into(), "queued".to_owned())].into()));
    });
    assert!(
        matches!(&queued, Violation::NotAcked { state, .. } if state == "queued"),
        "{queued}"
    );
    let gone = only(|_, states| {
        states.insert(id(1), Some(HashMap::new()));
    });
    assert!(
        matches!(&gone, Violation::NotAcked { state, .. } if state == "not there"),
        "{gone}"
    );
}

#[test]
fn what_was_accepted_and_is_not_known_is_named() {
    let unknown = only(|_, states| {
        states.insert(id(3), None);
    });
    assert_eq!(
        unknown,
        Violation::Unknown {
            number: 3,
            id: id(3)
        }
    );
}

#[test]
fn what_could_not_be_written_down_is_a_flood() {
    assert_eq!(
        only(|pages, _| pages.over = 4),
        Violation::Flood { items: 4 }
    );
}

#[test]
fn a_publication_without_an_answer_owes_nothing_and_may_have_come() {
    let (mut pages, states) = whole();
    pages.sent[2].fate = Fate::Unknown("no answer".into());
    pages.sent[2].tries = 4;
    let findings = found(&pages, &states);
    assert_eq!(findings.violations, []);
    assert_eq!(
        (findings.owed, findings.unanswered, findings.retries),
        (3, 1, 3)
    );
}
