//! What the page holds.

use std::rc::Rc;

use serde::Serialize;
use serde_json::Value;
use signalr::protocol::Payload;

use super::client::{Hub, HubConfig, HubHandlers};
use crate::live::hub::engine::Event;
use crate::live::hub::status::CallError;
use crate::protocol::call;

/// Commands of one turn of the page; more are refused.
const BACKLOG: usize = 1_024;

/// Starts clients.
pub struct HubClient;

impl HubClient {
    /// Begins to connect. In an effect only: it reads `localStorage` and the network.
    pub fn start(config: HubConfig, handlers: HubHandlers) -> HubHandle {
        HubHandle(Hub::start(config, handlers))
    }
}

/// A running client. Cheap to clone, not `Send`: keep it in a local stored value. When the last
/// one is dropped the connection closes without a word; [`HubHandle::stop`] says goodbye.
#[derive(Clone)]
pub struct HubHandle(Rc<Hub>);

impl HubHandle {
    /// Joins a topic and stays in it until [`HubHandle::leave`], across reconnects. `since` is the
    /// revision of the page's snapshot (`as_of`). `on_joined` gets the topic's revision each time it
    /// was joined: if it is not the one the page knows, patches follow or the snapshot must be
    /// fetched again. Joining a topic twice replaces the callback: share one join per topic.
    pub fn join(
        &self,
        topic: &str,
        since: Option<i64>,
        on_joined: impl Fn(Result<i64, CallError>) + 'static,
    ) {
        if self.0.backlog() >= BACKLOG {
            return on_joined(Err(CallError::Busy));
        }
        self.0
            .joined
            .borrow_mut()
            .insert(topic.to_owned(), Rc::new(on_joined));
        self.0.post(Event::Join(topic.to_owned(), since));
    }

    /// Leaves a topic; its callback is dropped at once.
    pub fn leave(&self, topic: &str) {
        // Out of the borrow first: the callback's own drop may come back here.
        let gone = self.0.joined.borrow_mut().remove(topic);
        drop(gone);
        self.0.post(Event::Leave(topic.to_owned()));
    }

    /// Acknowledges a notification. Those handed to `on_notification` are acknowledged without it.
    pub fn acknowledge(&self, id: &str) {
        self.0.post(Event::Acknowledge(id.to_owned()));
    }

    /// Rendered in an open list.
    pub fn mark_seen(&self, ids: &[String], done: impl FnOnce(Result<(), CallError>) + 'static) {
        self.call(call::MARK_SEEN, &(ids,), |answer| done(answer.map(drop)));
    }

    /// Clicked, or marked.
    pub fn mark_read(&self, ids: &[String], done: impl FnOnce(Result<(), CallError>) + 'static) {
        self.call(call::MARK_READ, &(ids,), |answer| done(answer.map(drop)));
    }

    /// Put away.
    pub fn archive(&self, ids: &[String], done: impl FnOnce(Result<(), CallError>) + 'static) {
        self.call(call::ARCHIVE, &(ids,), |answer| done(answer.map(drop)));
    }

    /// Calls any hub method. `arguments` is a tuple: one element per argument. Never queued: without
    /// a live connection it fails at once.
    pub fn call(
        &self,
        method: &str,
        arguments: &impl Serialize,
        done: impl FnOnce(Result<Value, CallError>) + 'static,
    ) {
        if self.0.backlog() >= BACKLOG {
            return done(Err(CallError::Busy));
        }
        let arguments = serde_json::to_value(arguments).ok();
        let Some(Value::Array(arguments)) = arguments else {
            return done(Err(CallError::Unreadable));
        };
        let arguments = arguments
            .iter()
            .filter_map(|argument| Payload::of(argument).ok());
        let number = self.0.next_answer.get() + 1;
        self.0.next_answer.set(number);
        self.0.answers.borrow_mut().insert(number, Box::new(done));
        self.0
            .post(Event::Call(number, method.to_owned(), arguments.collect()));
    }

    /// Ends the wait for the next attempt; also the way back after `on_ended`.
    pub fn retry_now(&self) {
        self.0.post(Event::RetryNow);
    }

    /// When the next attempt begins, in milliseconds since 1970; `None` while one runs, while live
    /// and when none will. For "retrying in 4 s": read it from a ticker.
    pub fn retry_at_ms(&self) -> Option<i64> {
        self.0.retry_at()
    }

    /// Says goodbye and closes. Nothing is called any more afterwards but pending answers.
    pub fn stop(&self) {
        let gone = self.0.joined.take();
        drop(gone);
        self.0.post(Event::Stop);
    }
}
