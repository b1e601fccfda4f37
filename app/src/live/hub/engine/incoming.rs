//! What the hub sends.

use signalr::protocol::{Invocation, Message, Outcome, Payload};

use super::{Effect, Engine, State};
use crate::live::hub::cursor::Cursor;
use crate::live::hub::router::{Item, Routed, route};
use crate::live::hub::session::{Broken, Incoming};
use crate::live::hub::status::Ended;
use crate::protocol::topic::DATABASE;
use crate::protocol::{Away, Greeting, Patch};
use crate::wire;

/// A connection that the server closes with an error this soon was never accepted: that is a fault
/// on its side, not a wish that we stay away.
const NEVER_ACCEPTED: i64 = 5_000;

impl Engine {
    pub(super) fn received(&mut self, chunk: String) {
        if !matches!(self.state, State::Shaking(_) | State::Live(_)) {
            return;
        }
        let attempt = self.attempt;
        match self.session.receive(chunk) {
            Ok(all) => {
                for incoming in all {
                    if attempt != self.attempt {
                        return; // closed by one of them
                    }
                    match incoming {
                        Incoming::Ready => self.ready(),
                        Incoming::Message(message) => self.message(message),
                    }
                }
                self.heard();
            }
            Err(Broken) => match self.state {
                State::Shaking(kind) => self.transport_failed(kind),
                _ => self.drop_connection(),
            },
        }
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::Invocation(call) => self.invoked(call),
            Message::Completion { id, outcome } => self.completed(&id, outcome),
            Message::Close {
                error,
                allow_reconnect,
            } => self.told_to_close(error, allow_reconnect),
            // Streams are not used on our hub; Ack and Sequence belong to stateful reconnect.
            _ => {}
        }
    }

    fn told_to_close(&mut self, reason: Option<String>, allow_reconnect: bool) {
        let State::Live(live) = self.state else {
            return;
        };
        let never_accepted = reason.is_some() && self.now - live.began < NEVER_ACCEPTED;
        if allow_reconnect || never_accepted {
            self.drop_connection();
        } else {
            self.end(Ended::Closed { reason });
        }
    }

    fn invoked(&mut self, call: Invocation) {
        match route(&call.target, &call.arguments) {
            Routed::Notification(item, value) => self.item(&item, Effect::Notify(value)),
            Routed::Withdrawn(ids, None) => self.effects.push(Effect::Withdraw(ids)),
            Routed::Withdrawn(ids, Some(item)) => self.item(&item, Effect::Withdraw(ids)),
            Routed::Patch(patch) => self.patched(patch),
            Routed::Greeting(greeting) => self.greeted(&greeting),
            Routed::Unknown => {
                let nobody = || Outcome::Error("This page has no handler for it.".to_owned());
                return self.answer(call.id, nobody);
            }
        }
        // Who asks for a result takes it as the acknowledgement.
        self.answer(call.id, || {
            Payload::of(&true).map_or(Outcome::Void, Outcome::Value)
        });
    }

    fn answer(&mut self, id: Option<String>, outcome: impl FnOnce() -> Outcome) {
        if let Some(id) = id {
            self.say(&Message::Completion {
                id,
                outcome: outcome(),
            });
        }
    }

    /// Hands it over the first time; acknowledges it each time, for an acknowledgement may be lost.
    fn item(&mut self, item: &Item, hand_over: Effect) {
        if self.shown.first_time(&item.id, item.seq) {
            self.effects.push(hand_over);
        }
        self.acknowledge(&item.id, item.seq);
    }

    fn patched(&mut self, patch: Patch) {
        if patch.topic == DATABASE {
            let away = patch.counts.and_then(|counts| wire::read::<Away>(&counts));
            self.effects
                .extend(away.map(|away| Effect::Stalled(away.since)));
        } else if let Some(known) = self.topics.get_mut(&patch.topic) {
            *known = Some(known.map_or(patch.rev, |rev| rev.max(patch.rev)));
            self.effects.push(Effect::Patch(patch));
        }
    }

    fn greeted(&mut self, greeting: &Greeting) {
        let Some(stands) = Cursor::parse(&greeting.cursor) else {
            return;
        };
        if self
            .epoch
            .as_ref()
            .is_some_and(|epoch| *epoch != stands.epoch)
        {
            self.shown.new_epoch();
            self.acks.new_epoch();
        }
        self.cursor = self
            .cursor
            .take()
            .filter(|cursor| cursor.epoch == stands.epoch);
        if let Some(cursor) = &self.cursor {
            self.shown.resume(cursor.seq);
        }
        self.epoch = Some(stands.epoch);
    }
}
