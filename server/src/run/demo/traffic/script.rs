//! What happens next, without a clock or a network: the same day number plays the same day.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::company::{DEPARTMENTS, GROUPS, Person, SITES, people};
use super::super::requests::{FORMS, Fate, comment, thousands};
use super::super::seed::STORY;
use crate::support::dice::Dice;

/// Requests that wait for a decision of ours at most; later ones are left to the people at the
/// screens.
const OPEN: usize = 40;
/// Somebody who just punched does not punch again for so long.
const REST: SignedDuration = SignedDuration::from_mins(3);

/// One call of the API.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub path: String,
    pub body: Value,
    pub then: Then,
}

/// What to make of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    /// The request in the answer may be decided by these.
    Decide(Vec<String>),
}

/// The part of an answer that matters.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    id: Option<String>,
}

impl From<&Value> for Answer {
    fn from(body: &Value) -> Self {
        Self {
            id: body.get("id").and_then(Value::as_str).map(str::to_owned),
        }
    }
}

/// A day that is being played.
pub(super) struct Script {
    dice: Dice,
    people: Vec<Person>,
    run: String,
    count: u64,
    /// When somebody punched last, and whether that was the way out to a break.
    punched: HashMap<usize, (Timestamp, bool)>,
    /// Requests that we may decide.
    open: VecDeque<(String, Vec<String>)>,
}

impl Script {
    /// Day number `day`, begun at `start`.
    pub(super) fn new(day: u64, start: Timestamp) -> Self {
        Self {
            people: people(&mut Dice::new(STORY)),
            dice: Dice::new(day),
            run: format!("day-{}", start.as_millisecond()),
            count: 0,
            punched: HashMap::new(),
            open: VecDeque::new(),
        }
    }

    /// Until the next call: uneven, as life is, and right on average.
    pub(super) fn pause(&mut self, per_minute: u32) -> Duration {
        let mean = 60_000.0 / f64::from(per_minute);
        let share = i32::try_from(self.dice.between(20, 180)).unwrap_or(100);
        Duration::from_secs_f64(mean * f64::from(share) / 100_000.0)
    }

    /// The next call.
    pub(super) fn next(&mut self, now: Timestamp) -> Call {
        self.count += 1;
        match self.dice.between(1, 100) {
            1..=52 => self.punch(now),
            53..=66 => self.submit(now),
            67..=78 => self.decide(),
            _ => self.notify(),
        }
    }

    /// Takes in the answer of a call.
    pub(super) fn learn(&mut self, then: Then, answer: &Answer) {
        if let (Then::Decide(approvers), Some(id)) = (then, &answer.id)
            && self.open.len() < OPEN
        {
            self.open.push_back((id.clone(), approvers));
        }
    }

    fn somebody(&mut self) -> usize {
        let last = i64::try_from(self.people.len()).unwrap_or(1) - 1;
        usize::try_from(self.dice.between(0, last)).unwrap_or(0)
    }

    fn punch(&mut self, now: Timestamp) -> Call {
        let mut index = self.somebody();
        for _ in 0..20 {
            let rested = |(at, _): &(Timestamp, bool)| now.duration_since(*at) > REST;
            if self.punched.get(&index).is_none_or(rested) {
                break;
            }
            index = self.somebody();
        }
        // Who went for a break comes back from it; of the others some go.
        let on_break = self
            .punched
            .get(&index)
            .is_some_and(|(_, on_break)| *on_break);
        let seen = self.punched.contains_key(&index);
        let direction = match (on_break, seen) {
            (true, _) => Some("break_in"),
            (false, true) if self.dice.percent(50) => Some("break_out"),
            _ => None,
        };
        self.punched
            .insert(index, (now, direction == Some("break_out")));
        let device = *self.dice.pick(SITES[self.people[index].site].devices);
        Call {
            path: "/punches".to_owned(),
            body: json!({
                "pin": Person::pin(index),
                "device": device,
                "at": now,
                "direction": direction,
                "source_id": self.source_id(),
            }),
            then: Then::Nothing,
        }
    }

    fn submit(&mut self, now: Timestamp) -> Call {
        // The cast's managers have no manager of their own in every case.
        let index = self.somebody().max(22);
        let (kind, subject, least, most, unit, label, values) = *self.dice.pick(FORMS);
        let many = self.dice.between(least, most);
        let amount = match unit {
            "€" | "£" => format!("{unit}{}.00", thousands(many)),
            "days" if many == 1 => "1 day".to_owned(),
            unit => format!("{many} {unit}"),
        };
        let value = *self.dice.pick(values);
        let money = matches!(unit, "€" | "£");
        let approvers: Vec<String> = if money && self.dice.percent(60) {
            vec!["amara".to_owned(), "tom".to_owned()]
        } else {
            self.people[index].manager.clone().into_iter().collect()
        };
        let due = now + SignedDuration::from_mins(self.dice.between(90, 4_000));
        Call {
            path: "/requests".to_owned(),
            body: json!({
                "kind": kind,
                "subject": format!("{subject}, {value}"),
                "amount": amount,
                "fields": [[label, value]],
                "requester": self.people[index].key,
                "approvers": approvers,
                "due_at": due,
                "source_id": self.source_id(),
            }),
            // Those at the screens want something to do.
            then: if self.dice.percent(60) {
                Then::Decide(approvers)
            } else {
                Then::Nothing
            },
        }
    }

    fn decide(&mut self) -> Call {
        let Some((id, approvers)) = self.open.pop_front() else {
            return self.notify();
        };
        let fate = if self.dice.percent(20) {
            Fate::Rejected
        } else {
            Fate::Approved
        };
        let verdict = if fate == Fate::Rejected {
            "reject"
        } else {
            "approve"
        };
        Call {
            path: format!("/requests/{id}/decision"),
            body: json!({
                "user": self.dice.pick(&approvers),
                "verdict": verdict,
                "comment": comment(fate, &mut self.dice),
            }),
            then: Then::Nothing,
        }
    }

    fn notify(&mut self) -> Call {
        let index = self.somebody();
        let who = &self.people[index];
        let (key, name) = (who.key.clone(), who.name.clone());
        let department = self.dice.pick(&DEPARTMENTS[..11]).0;
        let login = *self
            .dice
            .pick(&["amara", "kwabena", "siobhan", "tom", "minhkhai", "venkat"]);
        let group = self.dice.pick(GROUPS).0;
        let (kind, audience, title, body, severity) = match self.dice.between(1, 12) {
            1..=4 => (
                "CommentAdded",
                json!({ "users": [login] }),
                format!("{name} left you a comment"),
                *self.dice.pick(&[
                    "“Can we talk about this tomorrow?”",
                    "“Done, thank you.”",
                    "“The supplier called back.”",
                ]),
                "info",
            ),
            5..=6 => (
                "DocumentShared",
                json!({ "users": [login, key] }),
                format!("{name} shared a document"),
                *self.dice.pick(&[
                    "Cold store procedure, revision 8",
                    "Shift plan, week 49",
                    "Audit answers, draft",
                ]),
                "info",
            ),
            7..=8 => (
                "ScheduleChanged",
                json!({ "departments": [department] }),
                "The schedule of this week changed".to_owned(),
                *self.dice.pick(&[
                    "Two more on the early shift on Thursday.",
                    "Saturday's late shift is full.",
                ]),
                "info",
            ),
            9 => (
                "MeetingScheduled",
                json!({ "groups": [group] }),
                "A short meeting today at 15:00".to_owned(),
                "By gate 2.",
                "info",
            ),
            10 => (
                "TemperatureAlarm",
                json!({ "departments": ["cold-store", "maintenance"] }),
                "A cold store is warmer than it should be".to_owned(),
                "Maintenance is on the way.",
                "critical",
            ),
            11 => (
                "DeviceOffline",
                json!({ "departments": ["it", "people"] }),
                "A gate was silent for five minutes".to_owned(),
                "Its punches are on the device and will come.",
                "warning",
            ),
            _ => (
                "Announcement",
                json!({ "service": true }),
                "The canteen has soup until 14:00".to_owned(),
                "Pumpkin, and there is plenty of it.",
                "info",
            ),
        };
        Call {
            path: "/notifications".to_owned(),
            body: json!({
                "kind": kind,
                "audience": audience,
                "title": title,
                "body": body,
                "data": { "actor": name },
                "severity": severity,
                "expires_in": 86_400,
                "idempotency_key": self.source_id(),
            }),
            then: Then::Nothing,
        }
    }

    /// Never the same twice, over all days and runs.
    fn source_id(&self) -> String {
        format!("{}-{}", self.run, self.count)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    #[test]
    fn the_same_day_twice_is_the_same_day() {
        let calls = |day| {
            let mut script = Script::new(day, at(0));
            (0..300)
                .map(|n| script.next(at(n)).body.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(calls(1), calls(1));
        assert_ne!(calls(1), calls(2));
    }

    #[test]
    fn a_day_names_only_people_who_exist_and_never_an_id_twice() {
        let mut script = Script::new(3, at(0));
        let keys: HashSet<String> = script
            .people
            .iter()
            .map(|person| person.key.clone())
            .collect();
        let (mut paths, mut ids) = (HashSet::new(), HashSet::new());
        for n in 0..3_000 {
            let call = script.next(at(n * 2));
            let id = call
                .body
                .get("source_id")
                .or_else(|| call.body.get("idempotency_key"));
            if let Some(id) = id.and_then(Value::as_str) {
                assert!(ids.insert(id.to_owned()), "{id} came twice");
            }
            for list in ["/requester", "/user"] {
                if let Some(user) = call.body.pointer(list).and_then(Value::as_str) {
                    assert!(keys.contains(user), "{user} is nobody");
                }
            }
            for list in ["/approvers", "/audience/users"] {
                let users = call.body.pointer(list).and_then(Value::as_array);
                let known = |user: &Value| user.as_str().is_some_and(|user| keys.contains(user));
                assert!(
                    users.is_none_or(|users| users.iter().all(known)),
                    "{}",
                    call.body
                );
            }
            if call.path == "/requests" {
                let own = &call.body["requester"];
                let approvers = call.body["approvers"].as_array().unwrap();
                assert!(
                    !approvers.is_empty() && !approvers.contains(own),
                    "{}",
                    call.body
                );
            }
            if let Then::Decide(_) = call.then {
                let answer = Answer {
                    id: Some(format!("request-{n}")),
                };
                script.learn(call.then, &answer);
            }
            paths.insert(call.path.split('/').nth(1).unwrap().to_owned());
        }
        assert_eq!(paths.len(), 3, "{paths:?}");
        assert!(script.open.len() <= OPEN);
    }

    #[test]
    fn pauses_are_right_on_average() {
        let mut script = Script::new(1, at(0));
        let total: Duration = (0..600).map(|_| script.pause(600)).sum();
        assert!((54.0..66.0).contains(&total.as_secs_f64()), "{total:?}");
    }
}
