//! The client without the web: events in, effects out.
//!
//! Guarantees: never waits, never looks at a clock, calls nobody. One event is handled to its end
//! before the next, so that no callback can see it half done. Each attempt has a number; what
//! arrives under an older one is dropped. Called by `browser::client`.

mod calls;
mod connect;
mod incoming;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;
use signalr::protocol::{NegotiateResponse, Payload, TransportKind};

use super::acks::Acks;
use super::attempt::Fallback;
use super::backoff::Backoff;
use super::cursor::Cursor;
use super::dedupe::Shown;
use super::session::Session;
use super::status::{CallError, Ended, Status};
use crate::model::Moment;
use crate::model::person::HubToken;
use crate::protocol::Patch;

/// Number of an attempt to connect and of the connection it leads to.
pub type Attempt = u32;

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// Begin.
    Start,
    /// End for good; only `Start` follows.
    Stop,
    /// The person pressed "Retry now".
    RetryNow,
    /// The browser found a network.
    Online,
    /// The browser lost its network.
    Offline,
    /// The tab came to the front.
    Visible,
    /// The tab went to the back.
    Hidden,
    /// Answer to [`Effect::FetchToken`].
    Token(Attempt, Result<HubToken, Failure>),
    /// Answer to [`Effect::Negotiate`].
    Negotiated(Attempt, Result<NegotiateResponse, Failure>),
    /// The transport can carry messages.
    Opened(Attempt),
    /// The transport delivered text, cut anywhere.
    Received(Attempt, String),
    /// The transport ended, or never opened.
    Closed(Attempt, Failure),
    /// A timer set by [`Effect::Set`] ran out. Possibly much later than asked for.
    Timer(Timer),
    /// Join a topic and stay in it; `since` is the revision the page knows.
    Join(String, Option<i64>),
    /// Leave it.
    Leave(String),
    /// Acknowledge a notification by its id.
    Acknowledge(String),
    /// Call a method; [`Effect::Answer`] with the same number follows.
    Call(u64, String, Vec<Payload>),
}

/// Why a request or a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The token was refused (401), or there is no session to get one from.
    Unauthorized,
    /// The session may not do that (403).
    Forbidden,
    /// Everything that may be better next time.
    Transient,
}

/// Something to do, in this order.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Ask for a bearer token.
    FetchToken(Attempt),
    /// `POST` the address with the bearer token.
    Negotiate(Attempt, String, String),
    /// Open a transport; the address is without the token, which comes last.
    Open(Attempt, TransportKind, String, String),
    /// Send text over the open transport.
    Send(String),
    /// Abandon the transport and every request of the attempt; their events are not wanted.
    Shut,
    /// (Re)set a timer, in milliseconds.
    Set(Timer, u32),
    /// Forget a timer.
    Clear(Timer),
    /// Tell the page.
    Status(Status),
    /// Tell the page: live again after a loss.
    Reconnected,
    /// Tell the page: it will not be tried again.
    Ended(Ended),
    /// Show a notification.
    Notify(Value),
    /// Take notifications off the screen.
    Withdraw(Vec<String>),
    /// Merge a patch.
    Patch(Patch),
    /// The server's database went away, and what is on screen is as of then; `None`: it is back.
    Stalled(Option<Moment>),
    /// Answer to [`Event::Join`], once for each time the topic was joined.
    Joined(String, Result<i64, CallError>),
    /// Answer to [`Event::Call`].
    Answer(u64, Result<Value, CallError>),
    /// Keep it for the next page of this user in this browser.
    SaveCursor(String),
}

/// The timers; each exists once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Until the next attempt.
    Retry,
    /// The current step of an attempt takes too long.
    Step,
    /// Until our next ping.
    Ping,
    /// Until the server has been silent for too long.
    Watch,
    /// Until the gathered acknowledgements go.
    Acks,
}

/// Where the client stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before `Start`, after `Stop`.
    Stopped,
    /// The retry timer runs.
    Waiting,
    /// A token was asked for.
    Authorizing,
    /// A negotiate is under way.
    Negotiating,
    /// The transport is being opened.
    Opening(TransportKind),
    /// It is open; the handshake's answer is awaited.
    Shaking(TransportKind),
    /// Messages flow.
    Live(Live),
    /// No retry before `RetryNow`.
    Ended,
}

/// A live connection's clock marks, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Live {
    kind: TransportKind,
    began: i64,
    /// Data came last.
    heard: i64,
    /// Data went last.
    said: i64,
    /// When the watch timer should fire: much later means that the tab was asleep.
    watch: i64,
    /// The server was asked for a sign of life.
    asked: Option<i64>,
}

impl Live {
    /// Long polling needs no pings: the server's answer to each poll is a sign of life.
    fn beats(self) -> bool {
        self.kind != TransportKind::LongPolling
    }
}

/// A bearer token and until when it may begin a connection.
#[derive(Debug)]
struct Bearer {
    token: HubToken,
    until: i64,
    /// Fetched by the running attempt: if it is refused, another one would be too.
    fresh: bool,
}

/// What an invocation of ours waits for.
#[derive(Debug, PartialEq, Eq)]
enum Pending {
    Join(String),
    Acks,
    Call(u64),
    /// Any answer will do: it proves that the link works.
    Probe,
}

/// The client.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state in disguise"
)]
#[derive(Debug)]
pub struct Engine {
    device: String,
    state: State,
    attempt: Attempt,
    backoff: Backoff,
    fallback: Fallback,
    bearer: Option<Bearer>,
    session: Session,
    /// The browser says that there is a network.
    network: bool,
    /// The tab is in the back.
    hidden: bool,
    /// Last status told.
    status: Option<Status>,
    /// When the connection was lost, until it is back. `None` before the first one.
    lost: Option<i64>,
    was_live: bool,
    retry_at: Option<i64>,
    next_call: u64,
    pending: BTreeMap<u64, Pending>,
    /// Joined topics, with the newest revision known of each.
    topics: BTreeMap<String, Option<i64>>,
    acks: Acks,
    ack_timer: bool,
    shown: Shown,
    /// Saved last, by this page or an earlier one.
    cursor: Option<Cursor>,
    epoch: Option<String>,
    /// Items came by long polling: numbers may have holes that are still to come.
    polled: bool,
    now: i64,
    random: f64,
    effects: Vec<Effect>,
    /// Messages of this turn, sent together at its end.
    outgoing: String,
}

impl Engine {
    /// A client at rest. `cursor` is what [`Effect::SaveCursor`] last gave.
    pub fn new(device: String, cursor: Option<&str>) -> Self {
        Self {
            device,
            state: State::Stopped,
            attempt: 0,
            backoff: Backoff::default(),
            fallback: Fallback::default(),
            bearer: None,
            session: Session::default(),
            network: true,
            hidden: false,
            status: None,
            lost: None,
            was_live: false,
            retry_at: None,
            next_call: 0,
            pending: BTreeMap::new(),
            topics: BTreeMap::new(),
            acks: Acks::default(),
            ack_timer: false,
            shown: Shown::default(),
            cursor: cursor.and_then(Cursor::parse),
            epoch: None,
            polled: false,
            now: 0,
            random: 0.0,
            effects: Vec::new(),
            outgoing: String::new(),
        }
    }

    /// Handles one event at the time `now` (milliseconds since 1970); `random` is in `0..1`.
    pub fn on(&mut self, event: Event, now: i64, random: f64) -> Vec<Effect> {
        (self.now, self.random) = (now, random);
        match event {
            Event::Start => self.start(),
            Event::Stop => self.stop(),
            Event::RetryNow => self.retry_now(),
            Event::Online => self.online(),
            Event::Offline => self.offline(),
            Event::Visible => {
                self.visible();
                self.set_hidden(false);
            }
            Event::Hidden => self.set_hidden(true),
            Event::Token(attempt, answer) if attempt == self.attempt => self.authorized(answer),
            Event::Negotiated(attempt, answer) if attempt == self.attempt => {
                self.negotiated(answer);
            }
            Event::Opened(attempt) if attempt == self.attempt => self.opened(),
            Event::Received(attempt, chunk) if attempt == self.attempt => self.received(chunk),
            Event::Closed(attempt, why) if attempt == self.attempt => self.closed(why),
            Event::Token(..)
            | Event::Negotiated(..)
            | Event::Opened(_)
            | Event::Received(..)
            | Event::Closed(..) => {} // of an attempt that was given up
            Event::Timer(Timer::Retry) => self.retry_due(),
            Event::Timer(Timer::Step) => self.step_overdue(),
            Event::Timer(Timer::Ping) => self.ping_due(),
            Event::Timer(Timer::Watch) => self.watch_due(),
            Event::Timer(Timer::Acks) => self.acks_due(),
            Event::Join(topic, since) => self.join(topic, since),
            Event::Leave(topic) => self.leave(&topic),
            Event::Acknowledge(id) => self.acknowledge(&id, None),
            Event::Call(call, method, arguments) => self.call(call, &method, arguments),
        }
        if !self.outgoing.is_empty() {
            if let State::Live(live) = &mut self.state {
                live.said = now;
            }
            let text = std::mem::take(&mut self.outgoing);
            self.effects.push(Effect::Send(text));
        }
        std::mem::take(&mut self.effects)
    }

    /// When the next attempt begins; `None` while one runs and when none will.
    pub fn retry_at(&self) -> Option<i64> {
        self.retry_at
    }

    fn tell(&mut self, status: Status) {
        if self.status != Some(status) {
            self.status = Some(status);
            self.effects.push(Effect::Status(status));
        }
    }

    fn set(&mut self, timer: Timer, ms: u32) {
        self.effects.push(Effect::Set(timer, ms));
    }

    fn clear(&mut self, timer: Timer) {
        self.effects.push(Effect::Clear(timer));
    }
}
