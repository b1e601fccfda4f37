//! What the page asks of the hub: calls, topics, acknowledgements, signs of life.

use signalr::protocol::{Invocation, Message, Outcome, Payload};

use super::{Effect, Engine, Pending, State, Timer};
use crate::live::hub::acks::GATHER;
use crate::live::hub::backoff::share;
use crate::live::hub::cursor::Cursor;
use crate::live::hub::session;
use crate::live::hub::status::CallError;
use crate::protocol::{Joined, app_state, call};

/// Calls that wait for their answer; more are refused.
const PENDING: usize = 256;
/// Topics joined at once; more are refused.
const TOPICS: usize = 64;
/// Between our signs of life.
const PING: u32 = 15_000;
/// When data comes in, a ping is due already after this time: timers of hidden tabs run late.
const PING_ON_DATA: i64 = 10_000;
/// A server that is silent for this long is gone. It pings every 15 s.
const SILENCE: i64 = 30_000;
/// A server that has been silent for this long is asked when the tab comes to the front.
const DOUBT: i64 = 17_000;
/// How long it has to answer then.
const ANSWER: i64 = 5_000;
/// Acknowledgements the server could not commit are sent again after once to twice this time.
const ACK_AGAIN: u32 = 5_000;

impl Engine {
    fn is_live(&self) -> bool {
        matches!(self.state, State::Live(_))
    }

    fn invoke(&mut self, pending: Option<Pending>, method: &str, arguments: Vec<Payload>) {
        let id = pending.map(|pending| {
            self.next_call += 1;
            self.pending.insert(self.next_call, pending);
            self.next_call.to_string()
        });
        let target = method.to_owned();
        let call = Invocation {
            id,
            target,
            arguments,
            stream_ids: Vec::new(),
        };
        self.say(&Message::Invocation(call));
    }

    pub(super) fn say(&mut self, message: &Message) {
        self.outgoing.push_str(&session::encode(message));
    }

    pub(super) fn call(&mut self, number: u64, method: &str, arguments: Vec<Payload>) {
        let refusal = if !self.is_live() {
            CallError::NotConnected
        } else if self.pending.len() >= PENDING {
            CallError::Busy
        } else {
            return self.invoke(Some(Pending::Call(number)), method, arguments);
        };
        self.effects.push(Effect::Answer(number, Err(refusal)));
    }

    pub(super) fn join(&mut self, topic: String, since: Option<i64>) {
        if self.topics.len() >= TOPICS && !self.topics.contains_key(&topic) {
            return self
                .effects
                .push(Effect::Joined(topic, Err(CallError::Busy)));
        }
        self.topics.insert(topic.clone(), since);
        if self.is_live() {
            self.send_join(topic, since);
        }
    }

    fn send_join(&mut self, topic: String, since: Option<i64>) {
        let mut arguments = vec![payload(&topic)];
        arguments.extend(since.map(|since| payload(&since)));
        self.invoke(Some(Pending::Join(topic)), call::JOIN_GROUP, arguments);
    }

    pub(super) fn leave(&mut self, topic: &str) {
        if self.topics.remove(topic).is_some() && self.is_live() {
            self.invoke(None, call::LEAVE_GROUP, vec![payload(topic)]);
        }
    }

    /// The first words on a new connection. Any call starts the replay, so the cursor goes first.
    pub(super) fn greet(&mut self) {
        if let Some(cursor) = &self.cursor {
            let cursor = payload(&cursor.to_string());
            self.invoke(None, call::RESUME, vec![cursor]);
        }
        if self.hidden {
            self.say_app_state(); // a connection begins in front
        }
        for (topic, since) in self.topics.clone() {
            self.send_join(topic, since);
        }
        self.acks_due();
    }

    pub(super) fn set_hidden(&mut self, hidden: bool) {
        if self.hidden != hidden {
            self.hidden = hidden;
            if self.is_live() {
                self.say_app_state();
            }
        }
    }

    fn say_app_state(&mut self) {
        let state = if self.hidden {
            app_state::BACKGROUND
        } else {
            app_state::ACTIVE
        };
        self.invoke(None, call::SET_APP_STATE, vec![payload(&state)]);
    }

    pub(super) fn acknowledge(&mut self, id: &str, seq: Option<i64>) {
        self.acks.add(id, seq);
        self.gather();
    }

    fn gather(&mut self) {
        if !self.is_live() || !self.acks.ready() {
            return;
        }
        if self.acks.full() {
            self.acks_due();
        } else if !self.ack_timer {
            self.ack_timer = true;
            self.set(Timer::Acks, GATHER);
        }
    }

    pub(super) fn acks_due(&mut self) {
        self.ack_timer = false;
        if self.is_live() && self.acks.ready() {
            let ids = self.acks.take();
            let ids = payload(&ids);
            self.invoke(Some(Pending::Acks), call::ACKNOWLEDGE_MANY, vec![ids]);
        }
    }

    pub(super) fn completed(&mut self, id: &str, outcome: Outcome) {
        let Ok(number) = id.parse::<u64>() else {
            return;
        };
        let Some(pending) = self.pending.remove(&number) else {
            return;
        };
        match pending {
            Pending::Probe => {}
            Pending::Call(call) => {
                let result = match outcome {
                    Outcome::Void => Ok(serde_json::Value::Null),
                    Outcome::Value(value) => value.read().map_err(|_| CallError::Unreadable),
                    Outcome::Error(error) => Err(CallError::Refused(error)),
                };
                self.effects.push(Effect::Answer(call, result));
            }
            Pending::Join(topic) => self.joined(topic, outcome),
            Pending::Acks if matches!(outcome, Outcome::Error(_)) => {
                self.acks.failed();
                self.ack_timer = true;
                self.set(Timer::Acks, ACK_AGAIN + share(ACK_AGAIN, self.random));
            }
            Pending::Acks => {
                self.acks.confirmed();
                self.save_cursor();
                self.gather();
            }
        }
    }

    fn joined(&mut self, topic: String, outcome: Outcome) {
        let Some(since) = self.topics.get_mut(&topic) else {
            return;
        };
        let result = match outcome {
            Outcome::Value(value) => {
                let joined = value.read::<Joined>().map_err(|_| CallError::Unreadable);
                joined.map(|joined| joined.rev)
            }
            Outcome::Void => Err(CallError::Unreadable),
            Outcome::Error(error) => Err(CallError::Refused(error)),
        };
        if let Ok(rev) = result {
            *since = Some(rev);
        }
        self.effects.push(Effect::Joined(topic, result));
    }

    /// No connection, no answers.
    pub(super) fn fail_calls(&mut self) {
        self.acks.failed();
        self.ack_timer = false;
        for pending in std::mem::take(&mut self.pending).into_values() {
            if let Pending::Call(call) = pending {
                self.effects
                    .push(Effect::Answer(call, Err(CallError::NotConnected)));
            }
        }
    }

    /// A number is only worth keeping when nothing under it can still come.
    fn save_cursor(&mut self) {
        let seq = self.acks.confirmed_through();
        let Some(epoch) = self.epoch.clone().filter(|_| !self.polled) else {
            return;
        };
        if seq > self.cursor.as_ref().map_or(0, |cursor| cursor.seq) {
            let cursor = Cursor { epoch, seq };
            self.effects.push(Effect::SaveCursor(cursor.to_string()));
            self.cursor = Some(cursor);
        }
    }

    pub(super) fn start_beating(&mut self) {
        if let State::Live(live) = &mut self.state
            && live.beats()
        {
            live.watch = self.now + SILENCE;
            self.say(&Message::Ping);
            self.set(Timer::Ping, PING);
            self.set(Timer::Watch, 30_000);
        }
    }

    pub(super) fn ping_due(&mut self) {
        if self.is_live() {
            self.say(&Message::Ping);
            self.set(Timer::Ping, PING);
        }
    }

    /// Data came.
    pub(super) fn heard(&mut self) {
        let now = self.now;
        if let State::Live(live) = &mut self.state {
            live.heard = now;
            if live.beats() && now - live.said >= PING_ON_DATA {
                self.say(&Message::Ping);
                self.set(Timer::Ping, PING);
            }
        }
    }

    pub(super) fn watch_due(&mut self) {
        let State::Live(mut live) = self.state else {
            return;
        };
        let silent = self.now - live.heard;
        let answered = live.asked.is_none_or(|asked| live.heard > asked);
        let overdue = live.asked.is_some_and(|asked| self.now - asked >= ANSWER);
        if answered {
            live.asked = None;
            self.state = State::Live(live);
            if silent < SILENCE {
                return self.watch_for(SILENCE - silent);
            }
            // The tab was asleep, so the silence may be ours: ask once.
            if self.now - live.watch > ANSWER {
                return self.probe();
            }
            return self.drop_connection();
        }
        if overdue {
            return self.drop_connection();
        }
        self.watch_for(ANSWER);
    }

    /// After a sleep the link is often dead, and nobody has noticed yet.
    pub(super) fn probe_if_silent(&mut self) {
        if let State::Live(live) = self.state
            && live.beats()
            && live.asked.is_none()
            && self.now - live.heard >= DOUBT
        {
            self.probe();
        }
    }

    fn probe(&mut self) {
        if let State::Live(live) = &mut self.state {
            live.asked = Some(self.now);
            let nothing: [&str; 0] = [];
            let nothing = payload(&nothing);
            self.invoke(Some(Pending::Probe), call::ACKNOWLEDGE_MANY, vec![nothing]);
            self.watch_for(ANSWER);
        }
    }

    fn watch_for(&mut self, ms: i64) {
        if let State::Live(live) = &mut self.state {
            live.watch = self.now + ms;
            self.set(Timer::Watch, u32::try_from(ms).unwrap_or(0));
        }
    }
}

/// Strings, numbers and lists of them always serialise.
fn payload<T: serde::Serialize + ?Sized>(value: &T) -> Payload {
    Payload::of(value).unwrap_or_else(|_| Payload::null())
}
