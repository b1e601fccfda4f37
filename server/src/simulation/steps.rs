//! What may happen, in any order.

use app::model::delivery::{Due, End, Event, plan};

use super::desk::{Claim, Connection, Desk, Todo};
use super::street::Socket;
use super::walk::World;
use crate::hub::gate::Gate;

/// A claim nobody finished comes back after this.
const LEASE: i64 = 30_000;
/// A send that began longer ago is over.
const LONGEST_SEND: i64 = 60_000;

impl World {
    pub(super) fn step(&mut self) {
        match self.dice.below(20) {
            0..=2 => self.publish(),
            3 | 4 => self.dispatch(),
            5 => self.connect(),
            6 | 7 => self.page(),
            8 | 9 => self.read(),
            10 => self.acknowledge(),
            11 => self.letter(),
            12 => self.evidence(),
            13 => self.weather(),
            14 => {
                let pause = [100, 1_000, 5_000, 20_000, 90_000];
                self.now += pause[self.dice.below(pause.len())];
            }
            15 => {
                let here = !self.desk.connections.is_empty();
                self.book.sweep(self.now, here);
                self.note("sweep", self.book.debts.len());
            }
            16 => self.claim(),
            17 | 18 => self.work(true),
            _ => match self.dice.below(12) {
                0 => self.crash(),
                1 | 2 => self.cancel(),
                _ => self.work(true),
            },
        }
    }

    fn publish(&mut self) {
        let class = self.dice.below(self.book.classes.len());
        let seq = self.book.append(class, self.now);
        self.desk.undispatched.push(seq);
        self.note("publish", (seq, class));
    }

    /// Committers may dispatch in any order.
    fn dispatch(&mut self) {
        if self.desk.undispatched.is_empty() {
            return;
        }
        let at = self.dice.below(self.desk.undispatched.len());
        let seq = self.desk.undispatched.swap_remove(at);
        for connection in &mut self.desk.connections {
            connection.offer(seq);
        }
        self.note("dispatch", seq);
    }

    fn connect(&mut self) {
        let device = self.dice.below(self.people.len());
        if self.desk.connections.len() > 4 {
            return;
        }
        self.open(device);
    }

    pub(super) fn open(&mut self, device: usize) {
        let known = &mut self.book.devices[device];
        known.seen = true;
        let from = if known.explicit {
            known.through
        } else {
            known.through.max(known.reached_through)
        };
        let mut gate = Gate::default();
        gate.start(from);
        let reading = gate.wants_page();
        self.desk.connections.push(Connection {
            gate,
            socket: Socket {
                device,
                ..Socket::default()
            },
            reading,
            explicit: known.explicit,
            unconfirmed: Vec::new(),
            full: false,
        });
        self.note("connect", (device, from));
    }

    fn page(&mut self) {
        let waiting: Vec<usize> = (0..self.desk.connections.len())
            .filter(|at| self.desk.connections[*at].reading)
            .collect();
        if let Some(at) = self.dice.pick(&waiting).copied() {
            self.page_of(at);
        }
    }

    pub(super) fn page_of(&mut self, at: usize) {
        let connection = &mut self.desk.connections[at];
        let from = connection.gate.sent_through();
        let (rows, full) = self.book.page(connection.socket.device, from, self.now);
        connection.page(&rows, full, self.book.last_seq());
        self.note("page", (at, from, rows));
    }

    /// A device reads what lies on its wire.
    fn read(&mut self) {
        let count = self.desk.connections.len();
        if count > 0 {
            let at = self.dice.below(count);
            let most = 1 + self.dice.below(3);
            self.read_of(at, most);
        }
    }

    pub(super) fn read_of(&mut self, at: usize, most: usize) {
        let socket = &mut self.desk.connections[at].socket;
        if socket.cut {
            return;
        }
        for _ in 0..most {
            let Some(seq) = socket.wire.pop_front() else {
                break;
            };
            socket.read.push(seq);
            self.people[socket.device].read(seq);
            self.tally.one("read");
        }
    }

    fn acknowledge(&mut self) {
        let device = self.dice.below(self.people.len());
        self.people[device].write();
        self.trail
            .push(format!("{} acknowledges {device}", self.now));
    }

    /// An acknowledgement arrives: any of those under way, and perhaps not for the last time.
    fn letter(&mut self) {
        let device = self.dice.below(self.people.len());
        let letters = &mut self.people[device].letters;
        if letters.is_empty() {
            return;
        }
        let at = self.dice.below(letters.len());
        let seqs = if self.dice.once_in(4) {
            letters[at].clone()
        } else {
            letters.swap_remove(at)
        };
        if self.dice.once_in(6) {
            return self.note("ack lost", (device, seqs));
        }
        self.ack(device, &seqs);
    }

    pub(super) fn ack(&mut self, device: usize, seqs: &[i64]) {
        let active = !self.dice.once_in(3);
        self.book.ack(device, seqs, active, self.now);
        for connection in &mut self.desk.connections {
            if connection.socket.device == device {
                connection.explicit = true;
                connection.unconfirmed.retain(|seq| !seqs.contains(seq));
            }
        }
        for seq in seqs {
            self.people[device].unacked.remove(seq);
        }
        self.note("ack", (device, seqs, active));
    }

    /// A pong: what was read before it counts, unless the device acks for itself.
    fn evidence(&mut self) {
        let count = self.desk.connections.len();
        if count > 0 {
            let at = self.dice.below(count);
            self.evidence_of(at);
        }
    }

    pub(super) fn evidence_of(&mut self, at: usize) {
        let connection = &mut self.desk.connections[at];
        if connection.explicit || connection.socket.cut {
            return;
        }
        let read: Vec<i64> = connection
            .unconfirmed
            .iter()
            .copied()
            .filter(|seq| connection.socket.read.contains(seq))
            .collect();
        connection.unconfirmed.retain(|seq| !read.contains(seq));
        if !read.is_empty() {
            let device = connection.socket.device;
            self.book.reached(device, &read, self.now);
            self.note("evidence", (device, read));
        }
    }

    /// Cables are cut, the server notices, queues fill and drain.
    fn weather(&mut self) {
        let count = self.desk.connections.len();
        if count == 0 {
            return;
        }
        let at = self.dice.below(count);
        let connection = &mut self.desk.connections[at];
        match self.dice.below(4) {
            0 => {
                connection.socket.cut = true;
                self.note("cut", at);
            }
            1 => {
                let gone = self.desk.connections.swap_remove(at);
                self.note("disconnect", gone.socket.device);
            }
            2 => {
                connection.full = true;
                self.note("full", at);
            }
            _ => {
                connection.drained();
                self.note("drained", at);
            }
        }
    }

    fn claim(&mut self) {
        let now = self.now;
        let due: Vec<i64> = self
            .book
            .debts
            .iter()
            .filter(|(_, row)| row.next_at <= now)
            .map(|(seq, _)| *seq)
            .collect();
        if let Some(seq) = self.dice.pick(&due).copied() {
            self.claim_one(seq);
        }
    }

    pub(super) fn claim_one(&mut self, seq: i64) {
        let now = self.now;
        let Some(row) = self.book.debts.get_mut(&seq) else {
            return;
        };
        row.next_at = now + LEASE;
        row.fence += 1;
        let (debt, fence) = (row.debt, row.fence);
        let Some(owed) = self.book.owed(seq) else {
            return;
        };
        let class = &self.book.classes[self.book.deliveries[&seq].class];
        let plan = plan(class, debt, owed, now, 0.5);
        let todo = plan.due.iter().rev().copied().map(Todo::Climb).collect();
        self.desk.claims.push(Claim {
            seq,
            fence,
            todo,
            sent: false,
            waits: false,
            ended: plan.end,
            plan,
        });
        self.note("claim", seq);
    }

    /// The next thing of some claim: a rung, or the result.
    pub(super) fn work(&mut self, providers_fail: bool) {
        if self.desk.claims.is_empty() {
            return;
        }
        let at = self.dice.below(self.desk.claims.len());
        let seq = self.desk.claims[at].seq;
        match self.desk.claims[at].todo.pop() {
            Some(Todo::Climb(due)) => self.climb(at, seq, due),
            Some(Todo::Send) => self.send(at, seq, providers_fail),
            None => self.finish(at),
        }
    }

    fn climb(&mut self, at: usize, seq: i64, due: Due) {
        let one = &self.book.deliveries[&seq];
        let enough = one.state.is_enough(one.rule);
        match due {
            Due::Again { .. } => {
                for connection in &mut self.desk.connections {
                    connection.heard(seq);
                }
                self.note("again", seq);
            }
            Due::Push => {
                // Looked up and noted in one commit, right before the send.
                if enough {
                    return self.note("push spared", seq);
                }
                if let Some(one) = self.book.deliveries.get_mut(&seq) {
                    if one.state.is_terminal() {
                        self.late_rungs
                            .push(format!("{seq} was pushed when it had ended"));
                    }
                    one.pushed = true;
                    one.under_way = Some(self.now);
                }
                self.desk.claims[at].todo.push(Todo::Send);
                self.note("push begun", seq);
            }
            Due::Withdraw => {
                let since = self.book.deliveries[&seq].under_way;
                if since.is_some_and(|since| self.now - since < LONGEST_SEND) {
                    self.desk.claims[at].waits = true;
                    return self.note("withdrawal waits", seq);
                }
                for person in &mut self.people {
                    person.cards.remove(&seq);
                }
                self.note("withdraw", seq);
            }
            Due::Deputy => self.note("deputy", seq),
        }
    }

    /// What was noted goes out, whatever has happened since; a provider that does not say so may have taken it.
    fn send(&mut self, at: usize, seq: i64, providers_fail: bool) {
        let since = self.book.deliveries[&seq].under_way;
        // Whoever was stopped for so long sends nothing any more: its withdrawal may be out already.
        if since.is_none_or(|since| self.now - since >= LONGEST_SEND) {
            let claim = &mut self.desk.claims[at];
            claim.plan = claim.plan.clone().push_again(None, self.now);
            return self.note("push too late", seq);
        }
        let fails = providers_fail && self.dice.once_in(3);
        if !fails || self.dice.once_in(2) {
            for (device, person) in self.people.iter_mut().enumerate() {
                let has = self.book.deliveries[&seq].acked_by.contains(&device);
                if person.registered && !has {
                    person.cards.insert(seq);
                }
            }
        }
        let claim = &mut self.desk.claims[at];
        claim.sent = true;
        if fails {
            claim.plan = claim.plan.clone().push_again(None, self.now);
        }
        self.note(if fails { "push refused" } else { "push" }, seq);
    }

    fn finish(&mut self, at: usize) {
        let claim = self.desk.claims.swap_remove(at);
        let (seq, now) = (claim.seq, self.now);
        if claim.sent
            && let Some(one) = self.book.deliveries.get_mut(&seq)
        {
            one.under_way = None;
        }
        let withdraws = claim.plan.due.contains(&Due::Withdraw);
        let event = match claim.ended {
            Some(End::Expire) => Some(Event::Expire),
            Some(End::GiveUp) => Some(Event::GiveUp),
            _ => None,
        };
        if let Some(event) = event {
            self.book.end(seq, event, now);
        }
        let Some(row) = self.book.debts.get_mut(&seq) else {
            return self.note("result too late", seq);
        };
        if row.fence != claim.fence {
            return self.note("result of an old claim", seq);
        }
        match claim.ended {
            None => {
                row.debt = claim.plan.left;
                row.next_at = claim.plan.next_at;
                // Settled meanwhile, with a card on a phone: somebody must look.
                let one = &self.book.deliveries[&seq];
                if one.state.is_enough(one.rule) {
                    row.next_at = now;
                }
            }
            Some(_) if claim.waits => row.next_at = now + 2_000,
            Some(End::Expire | End::GiveUp) if withdraws || self.book.deliveries[&seq].pushed => {
                row.next_at = now;
            }
            Some(_) => {
                self.book.debts.remove(&seq);
            }
        }
        self.note("result", seq);
    }

    fn crash(&mut self) {
        self.desk = Desk::default();
        self.note("crash", ());
    }

    fn cancel(&mut self) {
        let all: Vec<i64> = self.book.deliveries.keys().copied().collect();
        if let Some(seq) = self.dice.pick(&all).copied() {
            self.book.end(seq, Event::Cancel, self.now);
            self.note("cancel", seq);
        }
    }
}
