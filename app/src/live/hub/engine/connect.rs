//! From nothing to a live connection, and what happens when it is lost.

use signalr::protocol::{Message, NegotiateResponse, TransportKind};

use super::{Bearer, Effect, Engine, Failure, Live, State, Timer};
use crate::live::hub::address;
use crate::live::hub::backoff::{Backoff, STABLE};
use crate::live::hub::session::{self, Session};
use crate::live::hub::status::{Ended, Status};
use crate::model::person::HubToken;

/// A token or a negotiate takes no longer, in milliseconds.
const REQUEST: u32 = 15_000;
/// A transport opens within this time, or the next one is tried.
const OPEN: u32 = 10_000;
/// The handshake's answer comes within this time, or the next transport is tried.
const SHAKE: u32 = 15_000;
/// A token this close to its end does not begin a connection any more.
const MARGIN: i64 = 30_000;

impl Engine {
    pub(super) fn start(&mut self) {
        if self.state == State::Stopped {
            self.tell_down();
            self.begin();
        }
    }

    pub(super) fn stop(&mut self) {
        if let State::Live(_) = self.state {
            let close = Message::Close {
                error: None,
                allow_reconnect: false,
            };
            self.effects.push(Effect::Send(session::encode(&close)));
        }
        self.give_up();
        self.state = State::Stopped;
        self.topics.clear();
    }

    pub(super) fn retry_now(&mut self) {
        match self.state {
            State::Ended => {
                self.bearer = None;
                self.tell_down();
                self.begin();
            }
            State::Waiting => self.begin(),
            _ => {}
        }
    }

    pub(super) fn retry_due(&mut self) {
        if self.state == State::Waiting {
            self.begin();
        }
    }

    pub(super) fn visible(&mut self) {
        match self.state {
            State::Waiting => self.begin(),
            State::Live(_) => self.probe_if_silent(),
            _ => {}
        }
    }

    pub(super) fn online(&mut self) {
        self.network = true;
        self.fallback.forget();
        match self.state {
            State::Stopped | State::Ended => {}
            State::Live(_) => self.probe_if_silent(),
            // A request that began without a network may hang for long: start over.
            _ => {
                self.tell_down();
                self.begin();
            }
        }
    }

    /// The socket is closed at once, for it may be half-open. The browser may also be wrong (a
    /// server on this machine needs no network), so a slow retry goes on.
    pub(super) fn offline(&mut self) {
        self.network = false;
        if !matches!(self.state, State::Stopped | State::Ended) {
            self.lost();
            self.wait();
        }
    }

    /// One attempt, from its beginning. Replaces a running one.
    fn begin(&mut self) {
        self.give_up();
        self.fallback.round_over();
        match &mut self.bearer {
            Some(bearer) if self.now < bearer.until => {
                bearer.fresh = false;
                self.negotiate();
            }
            _ => self.authorize(),
        }
    }

    fn authorize(&mut self) {
        self.bearer = None;
        self.state = State::Authorizing;
        self.set(Timer::Step, REQUEST);
        self.effects.push(Effect::FetchToken(self.attempt));
    }

    pub(super) fn authorized(&mut self, answer: Result<HubToken, Failure>) {
        if self.state != State::Authorizing {
            return;
        }
        match answer {
            Ok(token) if address::is_local(&token.hub) => {
                let lifetime = i64::from(token.expires_in_s) * 1_000;
                let until = self.now + lifetime - MARGIN.min(lifetime / 2);
                self.bearer = Some(Bearer {
                    token,
                    until,
                    fresh: true,
                });
                self.negotiate();
            }
            Ok(_) | Err(Failure::Transient) => self.failed(),
            Err(Failure::Unauthorized | Failure::Forbidden) => self.end(Ended::SignedOut),
        }
    }

    fn negotiate(&mut self) {
        let Some(bearer) = &self.bearer else {
            return self.authorize();
        };
        let url = address::negotiate(&bearer.token.hub, &self.device);
        let token = bearer.token.token.clone();
        self.state = State::Negotiating;
        self.set(Timer::Step, REQUEST);
        self.effects
            .push(Effect::Negotiate(self.attempt, url, token));
    }

    pub(super) fn negotiated(&mut self, answer: Result<NegotiateResponse, Failure>) {
        if self.state != State::Negotiating {
            return;
        }
        let fresh = self.bearer.as_ref().is_some_and(|bearer| bearer.fresh);
        match answer {
            Ok(offer) => self.open(offer),
            Err(Failure::Transient) => self.failed(),
            Err(Failure::Unauthorized) if !fresh => self.authorize(),
            Err(Failure::Unauthorized | Failure::Forbidden) => self.end(Ended::SignedOut),
        }
    }

    /// A redirect to another server is not followed: the token belongs to this site.
    fn open(&mut self, offer: NegotiateResponse) {
        let secret = offer.connection_token.or(offer.connection_id);
        let usable = offer.error.is_none() && offer.url.is_none();
        let kind = self.fallback.choose(&offer.available_transports, self.now);
        let (Some(secret), Some(kind), Some(bearer), true) = (secret, kind, &self.bearer, usable)
        else {
            return self.failed();
        };
        let url = address::connect(&bearer.token.hub, &self.device, &secret);
        let token = bearer.token.token.clone();
        self.session = Session::default();
        self.state = State::Opening(kind);
        self.set(Timer::Step, OPEN);
        self.effects
            .push(Effect::Open(self.attempt, kind, url, token));
    }

    pub(super) fn opened(&mut self) {
        if let State::Opening(kind) = self.state {
            self.state = State::Shaking(kind);
            self.set(Timer::Step, SHAKE);
            self.outgoing.push_str(&Session::hello());
        }
    }

    /// The handshake succeeded.
    pub(super) fn ready(&mut self) {
        let State::Shaking(kind) = self.state else {
            return;
        };
        let now = self.now;
        let live = Live {
            kind,
            began: now,
            heard: now,
            said: now,
            watch: now,
            asked: None,
        };
        self.state = State::Live(live);
        self.polled |= !live.beats();
        self.fallback.worked(now);
        self.lost = None;
        self.clear(Timer::Step);
        self.tell(Status::Live);
        if std::mem::replace(&mut self.was_live, true) {
            self.effects.push(Effect::Reconnected);
        }
        self.start_beating();
        self.greet();
    }

    pub(super) fn step_overdue(&mut self) {
        match self.state {
            State::Opening(kind) | State::Shaking(kind) => self.transport_failed(kind),
            State::Authorizing | State::Negotiating => self.failed(),
            _ => {}
        }
    }

    /// The transport ended by itself.
    pub(super) fn closed(&mut self, why: Failure) {
        if why == Failure::Unauthorized {
            self.bearer = None;
        }
        match self.state {
            State::Opening(_) | State::Shaking(_) if why == Failure::Unauthorized => self.failed(),
            State::Opening(kind) | State::Shaking(kind) => self.transport_failed(kind),
            State::Live(_) => self.drop_connection(),
            _ => {}
        }
    }

    /// The next transport, on a new negotiation: the old one is spent.
    ///
    /// A handshake that gets no answer counts too: some proxies let the upgrade through and
    /// nothing after it.
    pub(super) fn transport_failed(&mut self, kind: TransportKind) {
        self.give_up();
        self.fallback.failed(kind);
        self.negotiate();
    }

    /// The attempt led nowhere.
    fn failed(&mut self) {
        self.wait();
    }

    /// The live connection is gone or useless: come back.
    pub(super) fn drop_connection(&mut self) {
        self.lost();
        self.wait();
    }

    /// The server asked us to leave, or there is no session: wait for the person.
    pub(super) fn end(&mut self, why: Ended) {
        self.credit();
        self.give_up();
        self.state = State::Ended;
        let since_ms = *self.lost.get_or_insert(self.now);
        self.tell(Status::Offline { since_ms });
        self.effects.push(Effect::Ended(why));
    }

    fn lost(&mut self) {
        self.credit();
        self.tell_down();
    }

    /// A connection that lived for a while starts the schedule of delays over.
    fn credit(&mut self) {
        if let State::Live(live) = self.state
            && self.now - live.began >= STABLE
        {
            self.backoff.reset();
        }
    }

    /// Tells the page that there is no connection, and since when.
    fn tell_down(&mut self) {
        let since_ms = *self.lost.get_or_insert(self.now);
        self.tell(match (self.network, self.was_live) {
            (false, _) => Status::Offline { since_ms },
            (true, true) => Status::Reconnecting { since_ms },
            (true, false) => Status::Connecting,
        });
    }

    fn wait(&mut self) {
        self.give_up();
        self.fallback.round_over();
        self.state = State::Waiting;
        let delay = if self.network {
            self.backoff.next(self.random)
        } else {
            Backoff::longest(self.random)
        };
        self.retry_at = Some(self.now + i64::from(delay));
        self.set(Timer::Retry, delay);
    }

    /// Abandons whatever runs; the caller says what comes next.
    fn give_up(&mut self) {
        self.attempt = self.attempt.wrapping_add(1);
        self.retry_at = None;
        self.outgoing.clear();
        for timer in [
            Timer::Retry,
            Timer::Step,
            Timer::Ping,
            Timer::Watch,
            Timer::Acks,
        ] {
            self.clear(timer);
        }
        self.effects.push(Effect::Shut);
        self.fail_calls();
    }
}
