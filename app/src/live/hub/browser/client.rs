//! Carries the engine's effects out.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};

use serde_json::Value;
use signalr::protocol::NegotiateResponse;
use wasm_bindgen_futures::spawn_local;

use super::fetch::{self, Abort};
use super::page::Page;
use super::storage;
use super::timers::Timers;
use super::transport::{Transport, Wire};
use crate::error::AppError;
use crate::live::hub::engine::{Attempt, Effect, Engine, Event, Failure};
use crate::live::hub::status::{CallError, Ended, Status};
use crate::model::Moment;
use crate::model::person::HubToken;
use crate::protocol::Patch;

/// What the token function gives.
pub type TokenFuture = Pin<Box<dyn Future<Output = Result<HubToken, AppError>>>>;

/// What the client needs from the page.
pub struct HubConfig {
    /// Asks the site for a bearer token: a server function. `SignedOut` and `Forbidden` end the
    /// client, every other error is tried again.
    pub get_token: Rc<dyn Fn() -> TokenFuture>,
    /// Names tenant and user: the replay cursor is kept in `localStorage` under it.
    pub scope: String,
}

/// What the page does with what comes. Called outside of any reactive owner, never while the
/// client is borrowed: a handler may call the [`super::HubHandle`].
#[derive(Clone)]
pub struct HubHandlers {
    /// The state of the connection changed.
    pub on_status: Rc<dyn Fn(Status)>,
    /// A notification, once: the object as it came, with `notificationId`, `seq`, `kind`, `title`,
    /// `body`, `timestamp`, `replayed`… It is acknowledged after this returns.
    pub on_notification: Rc<dyn Fn(Value)>,
    /// Take these notifications off the screen; unknown ids are harmless.
    pub on_withdrawn: Rc<dyn Fn(Vec<String>)>,
    /// A patch of a joined topic.
    pub on_patch: Rc<dyn Fn(Patch)>,
    /// Since when the server's database is away; `None`: it is back.
    pub on_stalled: Rc<dyn Fn(Option<Moment>)>,
    /// Live again after a loss; the joined topics are told their revision next.
    pub on_reconnected: Rc<dyn Fn()>,
    /// It will not be tried again before `retry_now`; the status is `Offline`.
    pub on_ended: Rc<dyn Fn(Ended)>,
}

/// Told each time a topic was joined, first and after every reconnect.
pub(super) type OnJoined = Rc<dyn Fn(Result<i64, CallError>)>;
/// Told once.
pub(super) type OnAnswer = Box<dyn FnOnce(Result<Value, CallError>)>;

/// The running client. Owned by its handles; everything else holds it weakly.
pub(super) struct Hub {
    this: Weak<Hub>,
    config: HubConfig,
    handlers: HubHandlers,
    engine: RefCell<Engine>,
    /// Emptied by `drain`, which runs as a microtask.
    mailbox: RefCell<VecDeque<Event>>,
    draining: Cell<bool>,
    transport: RefCell<Option<Transport>>,
    /// Cancels the attempt's negotiate.
    abort: RefCell<Option<Abort>>,
    timers: Timers,
    pub(super) joined: RefCell<BTreeMap<String, OnJoined>>,
    pub(super) answers: RefCell<BTreeMap<u64, OnAnswer>>,
    pub(super) next_answer: Cell<u64>,
    _page: Page,
}

impl Hub {
    pub(super) fn start(config: HubConfig, handlers: HubHandlers) -> Rc<Self> {
        let cursor = storage::cursor(&config.scope);
        let engine = Engine::new(storage::device(), cursor.as_deref());
        let hub = Rc::new_cyclic(|this: &Weak<Self>| Self {
            this: this.clone(),
            config,
            handlers,
            engine: RefCell::new(engine),
            mailbox: RefCell::default(),
            draining: Cell::new(false),
            transport: RefCell::default(),
            abort: RefCell::default(),
            timers: Timers::new(this.clone()),
            joined: RefCell::default(),
            answers: RefCell::default(),
            next_answer: Cell::new(0),
            _page: Page::listen(this),
        });
        hub.post(Event::Start);
        if !super::page::has_network() {
            hub.post(Event::Offline);
        }
        if super::page::is_hidden() {
            hub.post(Event::Hidden);
        }
        hub
    }

    /// Puts an event into the mailbox. The engine handles it after the running callback returned.
    pub(super) fn post(&self, event: Event) {
        self.mailbox.borrow_mut().push_back(event);
        if !self.draining.replace(true) {
            // Held strongly: a `stop` followed by the end of the last handle is still carried out.
            if let Some(hub) = self.this.upgrade() {
                spawn_local(async move { hub.drain() });
            }
        }
    }

    /// How many events wait: the bound of what a page can ask for in one go.
    pub(super) fn backlog(&self) -> usize {
        self.mailbox.borrow().len()
    }

    pub(super) fn retry_at(&self) -> Option<i64> {
        self.engine.borrow().retry_at()
    }

    fn drain(&self) {
        loop {
            let Some(event) = self.mailbox.borrow_mut().pop_front() else {
                break;
            };
            let effects = self
                .engine
                .borrow_mut()
                .on(event, now(), js_sys::Math::random());
            for effect in effects {
                self.carry_out(effect);
            }
        }
        self.draining.set(false);
    }

    fn carry_out(&self, effect: Effect) {
        match effect {
            Effect::FetchToken(attempt) => self.fetch_token(attempt),
            Effect::Negotiate(attempt, url, token) => self.negotiate(attempt, url, token),
            Effect::Open(attempt, kind, url, token) => {
                let wire = Wire::new(self.this.clone(), attempt);
                let transport = Transport::open(kind, &url, &token, wire);
                self.transport.replace(transport);
            }
            Effect::Send(text) => {
                if let Some(transport) = &*self.transport.borrow() {
                    transport.send(&text);
                }
            }
            Effect::Shut => self.shut(),
            Effect::Set(timer, ms) => self.timers.set(timer, ms),
            Effect::Clear(timer) => self.timers.clear(timer),
            Effect::Status(status) => (self.handlers.on_status)(status),
            Effect::Reconnected => (self.handlers.on_reconnected)(),
            Effect::Ended(why) => (self.handlers.on_ended)(why),
            Effect::Notify(value) => (self.handlers.on_notification)(value),
            Effect::Withdraw(ids) => (self.handlers.on_withdrawn)(ids),
            Effect::Patch(patch) => (self.handlers.on_patch)(patch),
            Effect::Stalled(since) => (self.handlers.on_stalled)(since),
            Effect::Joined(topic, result) => {
                let tell = self.joined.borrow().get(&topic).cloned();
                if let Some(tell) = tell {
                    tell(result);
                }
            }
            Effect::Answer(call, result) => {
                let tell = self.answers.borrow_mut().remove(&call);
                if let Some(tell) = tell {
                    tell(result);
                }
            }
            Effect::SaveCursor(cursor) => storage::save_cursor(&self.config.scope, &cursor),
        }
    }

    fn fetch_token(&self, attempt: Attempt) {
        let answer = (self.config.get_token)();
        let this = self.this.clone();
        spawn_local(async move {
            let answer = answer.await.map_err(|error| match error {
                AppError::SignedOut => Failure::Unauthorized,
                AppError::Forbidden { .. } => Failure::Forbidden,
                _ => Failure::Transient,
            });
            post_to(&this, Event::Token(attempt, answer));
        });
    }

    fn negotiate(&self, attempt: Attempt, url: String, token: String) {
        let abort = Abort::new();
        let signal = abort.signal();
        self.abort.replace(Some(abort));
        let this = self.this.clone();
        spawn_local(async move {
            let answer = match fetch::request("POST", &url, &token, None, signal.as_ref()).await {
                Ok(reply) if reply.status == 200 => {
                    let offer = serde_json::from_str::<NegotiateResponse>(&reply.text);
                    offer.map_err(|_| Failure::Transient)
                }
                Ok(reply) => Err(reply.failure()),
                Err(failure) => Err(failure),
            };
            post_to(&this, Event::Negotiated(attempt, answer));
        });
    }

    fn shut(&self) {
        drop(self.abort.take());
        drop(self.transport.take());
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.shut();
    }
}

/// Posts to a client that may be gone.
pub(super) fn post_to(hub: &Weak<Hub>, event: Event) {
    if let Some(hub) = hub.upgrade() {
        hub.post(event);
    }
}

/// Milliseconds since 1970 by the browser's clock.
#[expect(
    clippy::cast_possible_truncation,
    reason = "whole milliseconds, far under 2^53"
)]
pub(super) fn now() -> i64 {
    js_sys::Date::now() as i64
}
