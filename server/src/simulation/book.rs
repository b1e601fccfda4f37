//! What is durable: rows, and the conditional updates the server's SQL makes of them. A crash changes nothing
//! here.

use std::collections::BTreeMap;

use app::model::delivery::{Class, Debt, Event, Owed, Rule, State};

use crate::outbox::acked_set;

/// Rows a page, fewer than in earnest so that pages end in the middle of things.
pub(super) const PAGE: usize = 3;
/// A delivery is looked through by the sweep after so long.
const GRACE: i64 = 3_000;

/// One delivery of the one user.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) state: State,
    pub(super) rule: Rule,
    pub(super) class: usize,
    pub(super) routed_at: i64,
    pub(super) expires_at: i64,
    /// A push was about to be sent: noted before it was.
    pub(super) pushed: bool,
    /// Since when one is under way of which nothing is known.
    pub(super) under_way: Option<i64>,
    /// Devices that have said so.
    pub(super) acked_by: Vec<usize>,
    /// Known when it was routed: all of them must have it, where the class says so.
    pub(super) known: Vec<usize>,
}

/// What is known of a device.
#[derive(Clone, Debug, Default)]
pub(super) struct Device {
    pub(super) seen: bool,
    pub(super) explicit: bool,
    pub(super) through: i64,
    pub(super) ranges: Vec<(i64, i64)>,
    pub(super) reached_through: i64,
}

/// A row of `debt`.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) debt: Debt,
    pub(super) next_at: i64,
    pub(super) fence: u64,
}

#[derive(Default)]
pub(super) struct Book {
    pub(super) classes: Vec<Class>,
    /// By number, from 1.
    pub(super) deliveries: BTreeMap<i64, Delivery>,
    pub(super) devices: Vec<Device>,
    pub(super) debts: BTreeMap<i64, Row>,
    pub(super) swept_to: i64,
    /// Nothing is routed before this any more.
    pub(super) open_from: i64,
}

impl Book {
    pub(super) fn last_seq(&self) -> i64 {
        self.deliveries.keys().next_back().copied().unwrap_or(0)
    }

    /// Routes one: its number.
    pub(super) fn append(&mut self, class: usize, now: i64) -> i64 {
        let seq = self.last_seq() + 1;
        let of = &self.classes[class];
        let known = (0..self.devices.len()).filter(|at| self.devices[*at].seen);
        self.deliveries.insert(
            seq,
            Delivery {
                state: State::Queued,
                rule: Rule {
                    ack_by: of.ack_by,
                    sufficient: of.sufficient,
                    hidden: false,
                },
                class,
                routed_at: now.max(self.open_from),
                expires_at: now + i64::from(of.life) * 1_000,
                pushed: false,
                under_way: None,
                acked_by: Vec::new(),
                known: known.collect(),
            },
        );
        seq
    }

    /// What the device is owed after `from`, at most a page; where the page ends if it is full.
    pub(super) fn page(&self, device: usize, from: i64, now: i64) -> (Vec<i64>, Option<i64>) {
        let known = &self.devices[device];
        let has = |seq: i64| known.ranges.iter().any(|(a, b)| (*a..*b).contains(&seq));
        let rows: Vec<i64> = self
            .deliveries
            .range(from + 1..)
            .filter(|(seq, one)| {
                let owed = match one.state {
                    State::Queued => true,
                    State::Reached => {
                        known.explicit || one.rule.ack_by != app::model::delivery::AckBy::AnyDevice
                    }
                    _ => false,
                };
                owed && one.expires_at > now && !has(**seq)
            })
            .map(|(seq, _)| *seq)
            .take(PAGE)
            .collect();
        let full = (rows.len() == PAGE).then(|| rows.last().copied()).flatten();
        (rows, full)
    }

    /// A device says that it has these.
    pub(super) fn ack(&mut self, device: usize, seqs: &[i64], active: bool, now: i64) {
        let real: Vec<i64> = seqs
            .iter()
            .copied()
            .filter(|seq| self.deliveries.contains_key(seq))
            .collect();
        let known = &mut self.devices[device];
        known.explicit = true;
        acked_set::add(&mut known.through, &mut known.ranges, &real);
        for seq in real {
            let Some(one) = self.deliveries.get_mut(&seq) else {
                continue;
            };
            if !one.acked_by.contains(&device) {
                one.acked_by.push(device);
            }
            let every = one.known.iter().all(|known| one.acked_by.contains(known));
            one.state = one.state.after(Event::Ack { active, every }, one.rule);
            self.settled(seq, now);
        }
    }

    /// The transport proved that a device which never acks has read these.
    pub(super) fn reached(&mut self, device: usize, seqs: &[i64], now: i64) {
        for seq in seqs {
            let Some(one) = self.deliveries.get_mut(seq) else {
                continue;
            };
            one.state = one.state.after(Event::Reached, one.rule);
            let known = &mut self.devices[device];
            known.reached_through = known.reached_through.max(*seq);
            self.settled(*seq, now);
        }
    }

    /// Ends what is not settled, by its ladder, its age or its sender.
    pub(super) fn end(&mut self, seq: i64, event: Event, now: i64) {
        if let Some(one) = self.deliveries.get_mut(&seq) {
            one.state = one.state.after(event, one.rule);
        }
        if event == Event::Cancel {
            self.settled(seq, now);
        }
    }

    /// What is settled is paid; where a phone may show it, it is looked at now.
    fn settled(&mut self, seq: i64, now: i64) {
        let one = &self.deliveries[&seq];
        if !one.state.is_enough(one.rule) {
            return;
        }
        if one.pushed {
            if let Some(row) = self.debts.get_mut(&seq) {
                row.next_at = row.next_at.min(now);
            }
        } else {
            self.debts.remove(&seq);
        }
    }

    /// Draws a line and looks through what lies before it. `here`: the user has a connection; else there is a phone.
    pub(super) fn sweep(&mut self, now: i64, here: bool) {
        self.open_from = (now - GRACE).max(self.open_from + 1);
        let (from, to) = (self.swept_to, self.open_from);
        for (seq, one) in &self.deliveries {
            if (from..to).contains(&one.routed_at) && !one.state.is_enough(one.rule) {
                let class = &self.classes[one.class];
                let rung = if here { 0 } else { class.first_rung_away(true) };
                let first = class.ladder.get(rung);
                let after = first.map_or(i64::MAX / 4, |rung| i64::from(rung.after) * 1_000);
                let away = class.push_away().filter(|_| !here);
                let push_at = away.map(|away| one.routed_at + away);
                let next_at = [push_at, Some(one.expires_at)].into_iter().flatten();
                self.debts.entry(*seq).or_insert(Row {
                    debt: Debt {
                        rung,
                        push_at: push_at.filter(|at| *at < one.expires_at),
                        ..Debt::default()
                    },
                    next_at: next_at.fold(one.routed_at + after, i64::min),
                    fence: 0,
                });
            }
        }
        self.swept_to = to;
    }

    /// What a claim knows.
    pub(super) fn owed(&self, seq: i64) -> Option<Owed> {
        self.deliveries.get(&seq).map(|one| Owed {
            state: one.state,
            rule: one.rule,
            pushed: one.pushed,
            gone: false,
            routed_at: one.routed_at,
            expires_at: one.expires_at,
        })
    }
}
