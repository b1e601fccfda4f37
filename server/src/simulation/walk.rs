//! One history: some two hundred steps in bad weather, then the weather clears and everything must come right.

use std::collections::BTreeMap;
use std::fmt;

use app::model::delivery::{AckBy, Class, PushRules, Rung, State, Step, Sufficient};

use super::book::{Book, Device};
use super::desk::Desk;
use super::dice::Dice;
use super::street::{Manner, Person};
use crate::outbox::acked_set;

const STEPS: usize = 200;

/// What was found to be wrong.
#[derive(Debug)]
pub struct Failure {
    seed: u64,
    step: usize,
    what: String,
    trail: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, step {}: {}", self.seed, self.step, self.what)?;
        for (number, line) in self.trail.iter().enumerate() {
            writeln!(f, "  {number:3} {line}")?;
        }
        Ok(())
    }
}

/// What happened in histories, so that one can see that it did.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    /// What happened, and how often.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(what, count)| (*what, *count))
    }

    pub(super) fn one(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (what, count)) in self.0.iter().enumerate() {
            write!(f, "{}{count} {what}", if index > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// Walks the history of a seed.
///
/// # Errors
/// A [`Failure`] with every step that led to it.
pub fn walk(seed: u64) -> Result<Tally, Failure> {
    let mut world = World::new(seed);
    for step in 0..STEPS {
        world.step();
        world.check().map_err(|what| world.failure(step, what))?;
    }
    world.clear();
    world.check().map_err(|what| world.failure(STEPS, what))?;
    world
        .check_end()
        .map_err(|what| world.failure(STEPS, what))?;
    Ok(world.tally)
}

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) dice: Dice,
    pub(super) now: i64,
    pub(super) book: Book,
    pub(super) desk: Desk,
    pub(super) people: Vec<Person>,
    /// How each delivery first ended.
    pub(super) ends: BTreeMap<i64, State>,
    /// Rungs climbed for what was settled when they were.
    pub(super) late_rungs: Vec<String>,
    pub(super) tally: Tally,
    pub(super) trail: Vec<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let classes = (0..3).map(|_| class(&mut dice)).collect();
        let count = 1 + dice.below(3);
        let people: Vec<Person> = (0..count)
            .map(|_| {
                let manner = match dice.below(3) {
                    0 => Manner::Acks,
                    1 => Manner::AcksThrough,
                    _ => Manner::Never,
                };
                Person::new(manner, dice.once_in(2))
            })
            .collect();
        let book = Book {
            classes,
            devices: vec![Device::default(); count],
            ..Book::default()
        };
        Self {
            seed,
            dice,
            now: 1_000_000,
            book,
            desk: Desk::default(),
            people,
            ends: BTreeMap::new(),
            late_rungs: Vec::new(),
            tally: Tally::default(),
            trail: Vec::new(),
        }
    }

    fn failure(&self, step: usize, what: String) -> Failure {
        Failure {
            seed: self.seed,
            step,
            what,
            trail: self.trail.clone(),
        }
    }

    pub(super) fn note(&mut self, what: &'static str, which: impl fmt::Debug) {
        self.tally.one(what);
        self.trail.push(format!("{} {what} {which:?}", self.now));
    }

    /// The server stays up, networks hold, providers answer, and people read and acknowledge.
    fn clear(&mut self) {
        self.trail.push("the weather clears".to_owned());
        self.desk.connections.clear();
        for device in 0..self.people.len() {
            self.open(device);
        }
        for _ in 0..400 {
            for at in 0..self.desk.connections.len() {
                self.desk.connections[at].drained();
                while self.desk.connections[at].reading {
                    self.page_of(at);
                }
                self.read_of(at, usize::MAX);
                self.evidence_of(at);
            }
            for device in 0..self.people.len() {
                self.people[device].write();
                for seqs in std::mem::take(&mut self.people[device].letters) {
                    self.ack(device, &seqs);
                }
            }
            while let Some(seq) = self.desk.undispatched.pop() {
                for connection in &mut self.desk.connections {
                    connection.offer(seq);
                }
            }
            self.book.sweep(self.now, true);
            let due: Vec<i64> = self.book.debts.keys().copied().collect();
            for seq in due {
                if self.book.debts[&seq].next_at <= self.now {
                    self.claim_one(seq);
                }
            }
            while !self.desk.claims.is_empty() {
                self.work(false);
            }
            self.now += 15_000;
        }
    }

    fn check(&mut self) -> Result<(), String> {
        for (seq, one) in &self.book.deliveries {
            if one.state.is_terminal() {
                let first = self.ends.entry(*seq).or_insert(one.state);
                if *first != one.state {
                    return Err(format!(
                        "{seq} ended as {first:?} and then as {:?}",
                        one.state
                    ));
                }
            }
            if self.ends.contains_key(seq) && !one.state.is_terminal() {
                return Err(format!("{seq} had ended and goes on"));
            }
            let has_next = one.routed_at >= self.book.swept_to || self.book.debts.contains_key(seq);
            if !one.state.is_enough(one.rule) && !has_next {
                return Err(format!("{seq} is not settled and has no next step"));
            }
        }
        for connection in &self.desk.connections {
            if !connection.socket.read.is_sorted_by(|a, b| a < b) {
                return Err(format!("a connection showed {:?}", connection.socket.read));
            }
        }
        match self.late_rungs.pop() {
            Some(late) => Err(late),
            None => Ok(()),
        }
    }

    fn check_end(&self) -> Result<(), String> {
        for (seq, one) in &self.book.deliveries {
            let shown = self.people.iter().any(|person| person.shown.contains(seq));
            let ended_otherwise =
                matches!(one.state, State::Expired | State::Cancelled | State::Dead);
            if !shown && !ended_otherwise {
                return Err(format!("{seq} was accepted and is lost: {one:?}"));
            }
            let with_cards = self.people.iter().any(|person| person.cards.contains(seq));
            if one.state.is_enough(one.rule) && with_cards {
                return Err(format!("{seq} is settled and a phone still shows it"));
            }
            if self.book.debts.contains_key(seq) && one.state.is_enough(one.rule) {
                return Err(format!("{seq} is settled and still owed"));
            }
        }
        for (device, known) in self.book.devices.iter().enumerate() {
            let (mut through, mut ranges) = (known.through, known.ranges.clone());
            let acked: Vec<i64> = self
                .book
                .deliveries
                .iter()
                .filter(|(_, one)| one.acked_by.contains(&device))
                .map(|(seq, _)| *seq)
                .collect();
            let new = acked_set::add(&mut through, &mut ranges, &acked);
            if !new.is_empty() {
                return Err(format!(
                    "device {device} acked {new:?}, and its set does not say so"
                ));
            }
        }
        Ok(())
    }
}

fn class(dice: &mut Dice) -> Class {
    let steps = [
        Step::Again,
        Step::Push,
        Step::Again,
        Step::Deputy,
        Step::GiveUp,
    ];
    let mut after = 0;
    let mut ladder = Vec::new();
    for step in steps {
        after += 5 + u32::try_from(dice.below(60)).unwrap_or(0);
        if !dice.once_in(3) && (step != Step::GiveUp || dice.once_in(3)) {
            ladder.push(Rung { after, step });
        }
    }
    Class {
        ack_by: match dice.below(3) {
            0 => AckBy::EveryDevice,
            1 => AckBy::ActiveDevice,
            _ => AckBy::AnyDevice,
        },
        sufficient: if dice.once_in(2) {
            Sufficient::Reached
        } else {
            Sufficient::Acked
        },
        life: after + 60 + u32::try_from(dice.below(3_000)).unwrap_or(0),
        ladder,
        push: PushRules {
            away: dice.once_in(2).then_some(5),
            ..PushRules::default()
        },
        backlog: None,
    }
}
