//! A week at the gates, up to now: three shifts on the floor, office hours above it, latecomers,
//! breaks, double taps and a forgotten punch here and there.

use app::model::attendance::Direction;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::company::{DEPARTMENTS, Person, SITES};
use crate::support::dice::Dice;
use crate::workplace::attendance::{NewPunch, Source, When, Who};

/// Days before today.
const DAYS: i64 = 6;

/// Every punch of everybody since a week ago, none after `now`.
pub(super) fn punches(people: &[Person], now: Timestamp, dice: &mut Dice) -> Vec<NewPunch> {
    let mut punches = Vec::new();
    for (index, person) in people.iter().enumerate() {
        let place = &SITES[person.site];
        let zone = TimeZone::get(place.zone).unwrap_or(TimeZone::UTC);
        let today = now.to_zoned(zone.clone()).date();
        for back in (0..=DAYS).rev() {
            let Ok(date) = today.checked_sub(back.days()) else {
                continue;
            };
            for (minute, direction) in day(index, person, date, dice) {
                let Ok(midnight) = date.to_zoned(zone.clone()) else {
                    continue;
                };
                let second = minute * 60 + dice.between(0, 59);
                let at = midnight.timestamp() + SignedDuration::from_secs(second);
                // A gate's line to the server is good, and down once in fifty.
                let delay = match dice.between(1, 50) {
                    1 => dice.between(600_000, 5_400_000),
                    _ => dice.between(180, 900),
                };
                let received = at + SignedDuration::from_millis(delay);
                let device = place.devices[usize::from(dice.percent(40))];
                if received > now {
                    continue;
                }
                punches.push(NewPunch {
                    ticket: None,
                    who: Who::Pin(Person::pin(index)),
                    device: device.to_owned(),
                    at: When::Instant(at),
                    direction,
                    source_id: format!("{}-{}", Person::pin(index), at.as_second()),
                    source: Source::Demo {
                        received_at: received,
                    },
                });
            }
        }
    }
    punches
}

/// Minutes after midnight and the key pressed; nothing on a day off.
fn day(
    index: usize,
    person: &Person,
    date: Date,
    dice: &mut Dice,
) -> Vec<(i64, Option<Direction>)> {
    let Some((from, to)) = hours(index, person, date, dice) else {
        return Vec::new();
    };
    let late = dice.percent(8);
    // The night crew begins at midnight: nobody is early into tomorrow.
    let come = from
        + if late {
            dice.between(9, 40)
        } else {
            dice.between(-8, 6)
        };
    let come = come.max(dice.between(0, 4));
    let mut punches = Vec::new();
    // Half of the people press keys, for them the gates know of breaks.
    if index.is_multiple_of(2) {
        let pause = i64::midpoint(from, to) + dice.between(-40, 40);
        let back = pause + dice.between(24, 38);
        punches.push((come, Some(Direction::In)));
        punches.push((pause, Some(Direction::BreakOut)));
        punches.push((back, Some(Direction::BreakIn)));
        if !dice.percent(2) {
            punches.push((to + dice.between(1, 16), Some(Direction::Out)));
        }
    } else {
        punches.push((come, None));
        if dice.percent(3) {
            punches.push((come, None)); // "did it beep?"
        }
        if !dice.percent(2) {
            punches.push((to + dice.between(1, 16), None));
        }
    }
    punches
}

/// From and to, in minutes after midnight; `None` on a day off or away.
fn hours(index: usize, person: &Person, date: Date, dice: &mut Dice) -> Option<(i64, i64)> {
    if dice.percent(4) {
        return None; // ill, on leave, at a supplier's
    }
    let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
    match DEPARTMENTS[person.department].0 {
        "finance" | "people" | "it" | "management" | "quality" => {
            (!weekend || dice.percent(6)).then_some((9 * 60, 17 * 60 + 30))
        }
        "facilities" => (!weekend || dice.percent(30)).then_some((8 * 60, 16 * 60 + 30)),
        _ => {
            // Five days on, two off, in turn, so that the lines never stand still.
            let ordinal = date
                .duration_since(jiff::civil::date(2026, 1, 1))
                .as_hours()
                / 24;
            let turn = i64::try_from(index).unwrap_or(0) + ordinal;
            if turn.rem_euclid(7) < 2 {
                return None;
            }
            Some(match index % 5 {
                0 | 4 => (6 * 60, 14 * 60),
                1 => (14 * 60, 22 * 60),
                2 => (0, 8 * 60),
                _ => (8 * 60, 16 * 60 + 30),
            })
        }
    }
}
