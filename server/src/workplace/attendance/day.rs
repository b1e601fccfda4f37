//! A day, computed from its punches. Pure: no clock, no database, no memory of how it was before.

use app::model::attendance::{Direction, Presence};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// A second punch within this time of the one before is the same gesture once more.
const DOUBLE_TAP: SignedDuration = SignedDuration::from_secs(60);
/// A device's clock that runs ahead of ours by less is believed.
const SKEW_MS: i64 = 5_000;
/// A punch that took longer was buffered; "device to here" would say nothing about now.
const LAG_LIMIT_MS: i64 = 24 * 3_600_000;

/// One punch, as far as a day depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Inner id of the punch; the day does not depend on it.
    pub punch: Uuid,
    /// The instant.
    pub at: Timestamp,
    /// The key pressed; without one, the punch alternates.
    pub key: Option<Direction>,
    /// Where.
    pub device: String,
    /// The device's own id of it.
    pub source_id: String,
    /// When the server had it.
    pub received_at: Timestamp,
}

/// How one punch is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Which.
    pub punch: Uuid,
    /// What it says.
    pub direction: Direction,
    /// The key said so; otherwise its place in the day.
    pub by_key: bool,
    /// A double tap: kept, and without effect.
    pub ignored: bool,
}

/// What the punches come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// In, on a break or out.
    pub state: Presence,
    /// First punch in.
    pub first_in: Option<Timestamp>,
    /// The punch that made the state.
    pub since: Timestamp,
    /// The last punch that counts.
    pub last_at: Timestamp,
    /// Where the state was made.
    pub device: String,
    /// How long that punch took to get here, when its clock can be believed.
    pub lag_ms: Option<i64>,
}

/// The day of these punches, in any order, with or without repetitions; `None` without any.
///
/// The first punch without a key is "in", and each following one the opposite of where the person
/// is. Punches of the same instant are ordered by device and source id, which do not depend on the
/// order of arrival either.
#[must_use]
pub fn compute(facts: &[Fact]) -> (Vec<Judged>, Option<Day>) {
    let mut ordered: Vec<&Fact> = facts.iter().collect();
    ordered.sort_by(|a, b| (a.at, &a.device, &a.source_id).cmp(&(b.at, &b.device, &b.source_id)));
    ordered.dedup_by(|a, b| a.device == b.device && a.source_id == b.source_id);

    let mut judged = Vec::with_capacity(ordered.len());
    let mut day: Option<Day> = None;
    let mut last = Direction::Out;
    for fact in ordered {
        let ignored = day
            .as_ref()
            .is_some_and(|day| fact.at.duration_since(day.last_at) < DOUBLE_TAP);
        let direction = match fact.key {
            Some(key) => key,
            None if ignored => last,
            None => opposite(last),
        };
        judged.push(Judged {
            punch: fact.punch,
            direction,
            by_key: fact.key.is_some(),
            ignored,
        });
        if ignored {
            continue;
        }
        last = direction;
        let state = after(direction);
        let first_in = (direction == Direction::In).then_some(fact.at);
        match &mut day {
            Some(day) if day.state == state => {
                day.last_at = fact.at;
                day.first_in = day.first_in.or(first_in);
            }
            _ => {
                day = Some(Day {
                    state,
                    first_in: day.and_then(|day| day.first_in).or(first_in),
                    since: fact.at,
                    last_at: fact.at,
                    device: fact.device.clone(),
                    lag_ms: lag(fact),
                });
            }
        }
    }
    (judged, day)
}

fn opposite(last: Direction) -> Direction {
    match last {
        Direction::In | Direction::BreakIn => Direction::Out,
        Direction::BreakOut => Direction::BreakIn,
        Direction::Out => Direction::In,
    }
}

fn after(direction: Direction) -> Presence {
    match direction {
        Direction::In | Direction::BreakIn => Presence::In,
        Direction::BreakOut => Presence::OnBreak,
        Direction::Out => Presence::Out,
    }
}

fn lag(fact: &Fact) -> Option<i64> {
    let lag = fact.received_at.as_millisecond() - fact.at.as_millisecond();
    (-SKEW_MS..=LAG_LIMIT_MS)
        .contains(&lag)
        .then_some(lag.max(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fact(minute: i64, key: Option<Direction>) -> Fact {
        seconds(minute * 60, key)
    }

    fn seconds(second: i64, key: Option<Direction>) -> Fact {
        let at = Timestamp::from_second(1_795_000_000 + second).unwrap();
        Fact {
            punch: Uuid::from_u128(u128::from(second.unsigned_abs())),
            at,
            key,
            device: "Gate-1 face".to_owned(),
            source_id: second.to_string(),
            received_at: at + SignedDuration::from_millis(400),
        }
    }

    fn directions(facts: &[Fact]) -> Vec<Direction> {
        compute(facts)
            .0
            .into_iter()
            .map(|one| one.direction)
            .collect()
    }

    #[test]
    fn without_keys_a_day_alternates_and_starts_with_in() {
        let facts = [
            fact(0, None),
            fact(240, None),
            fact(270, None),
            fact(510, None),
        ];
        assert_eq!(
            directions(&facts),
            [Direction::In, Direction::Out, Direction::In, Direction::Out]
        );
        let day = compute(&facts).1.unwrap();
        assert_eq!(day.state, Presence::Out);
        assert_eq!(day.first_in, Some(facts[0].at));
        assert_eq!(day.since, facts[3].at);
        assert_eq!(day.lag_ms, Some(400));
        assert_eq!(compute(&[]), (Vec::new(), None));
    }

    #[test]
    fn a_key_wins_and_what_has_none_follows_from_it() {
        let facts = [
            fact(0, None),
            fact(200, Some(Direction::BreakOut)),
            fact(230, None),
            fact(480, None),
        ];
        assert_eq!(
            directions(&facts),
            [
                Direction::In,
                Direction::BreakOut,
                Direction::BreakIn,
                Direction::Out
            ]
        );
        assert_eq!(compute(&facts[..2]).1.unwrap().state, Presence::OnBreak);
    }

    #[test]
    fn a_second_punch_in_keeps_since_and_moves_last() {
        let facts = [fact(0, Some(Direction::In)), fact(90, Some(Direction::In))];
        let day = compute(&facts).1.unwrap();
        assert_eq!((day.since, day.last_at), (facts[0].at, facts[1].at));
    }

    #[test]
    fn a_double_tap_changes_nothing_and_a_minute_later_counts() {
        let tapped = [seconds(0, None), seconds(59, None)];
        let (judged, day) = compute(&tapped);
        assert!(!judged[0].ignored && judged[1].ignored);
        assert_eq!(day, compute(&tapped[..1]).1);
        assert_eq!(
            compute(&[seconds(0, None), seconds(60, None)])
                .1
                .unwrap()
                .state,
            Presence::Out
        );
        // Measured from the last one that counts: a nervous finger cannot hold the day still.
        let nervous = [seconds(0, None), seconds(50, None), seconds(100, None)];
        assert_eq!(compute(&nervous).1.unwrap().state, Presence::Out);
    }

    #[test]
    fn a_clock_that_is_off_has_no_lag() {
        let mut early = fact(0, None);
        early.received_at = early.at - SignedDuration::from_mins(3);
        assert_eq!(compute(&[early]).1.unwrap().lag_ms, None);
        let mut late = fact(0, None);
        late.received_at = late.at + SignedDuration::from_hours(30);
        assert_eq!(compute(&[late]).1.unwrap().lag_ms, None);
    }

    prop_compose! {
        fn any_fact()(
            second in 0_i64..86_400,
            key in prop::option::weighted(0.4, prop::sample::select(vec![
                Direction::In, Direction::Out, Direction::BreakOut, Direction::BreakIn,
            ])),
            gate in 1..4,
            id in 0_u128..u128::MAX,
            lag in 0_i64..7_200,
        ) -> Fact {
            let at = Timestamp::from_second(1_795_000_000 + second).unwrap();
            Fact {
                punch: Uuid::from_u128(id),
                at,
                key,
                device: format!("Gate-{gate}"),
                source_id: id.to_string(),
                received_at: at + SignedDuration::from_secs(lag),
            }
        }
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_does_not_matter(
            (facts, shuffled) in prop::collection::vec(any_fact(), 0..24)
                .prop_flat_map(|facts| (Just(facts.clone()), Just(facts).prop_shuffle())),
        ) {
            prop_assert_eq!(compute(&facts), compute(&shuffled));
        }

        #[test]
        fn replays_do_not_change_the_day(
            facts in prop::collection::vec(any_fact(), 1..16),
            again in prop::collection::vec(any::<prop::sample::Index>(), 0..16),
        ) {
            let mut replayed = facts.clone();
            replayed.extend(again.iter().map(|index| index.get(&facts).clone()));
            prop_assert_eq!(compute(&facts), compute(&replayed));
        }

        #[test]
        fn a_day_is_within_its_punches(facts in prop::collection::vec(any_fact(), 1..24)) {
            let (judged, day) = compute(&facts);
            let day = day.expect("there are punches");
            prop_assert_eq!(judged.len(), facts.len());
            prop_assert!(!judged[0].ignored, "the first punch of a day always counts");
            prop_assert!(day.since <= day.last_at);
            prop_assert!(facts.iter().any(|fact| fact.at == day.since && fact.device == day.device));
        }
    }
}
