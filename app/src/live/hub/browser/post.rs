//! The way up for transports that only go down.
//!
//! One POST at a time, so that messages keep their order; what comes meanwhile goes together in the
//! next one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::fetch;
use super::transport::Wire;
use crate::live::hub::engine::Failure;

/// Bytes that wait beyond which the link counts as dead.
const WAITING: usize = 256 * 1024;

/// Sends until its connection is dropped; what is under way then still arrives or not.
pub(super) struct Post(Rc<Inner>);

struct Inner {
    url: String,
    token: String,
    wire: Wire,
    waiting: RefCell<String>,
    busy: Cell<bool>,
}

impl Post {
    pub(super) fn new(url: &str, token: &str, wire: Wire) -> Self {
        Self(Rc::new(Inner {
            url: url.to_owned(),
            token: token.to_owned(),
            wire,
            waiting: RefCell::default(),
            busy: Cell::new(false),
        }))
    }

    pub(super) fn send(&self, text: &str) {
        self.0.waiting.borrow_mut().push_str(text);
        if self.0.waiting.borrow().len() > WAITING {
            return self.0.wire.closed(Failure::Transient);
        }
        if !self.0.busy.replace(true) {
            let inner = Rc::clone(&self.0);
            spawn_local(async move {
                inner.flush().await;
                inner.busy.set(false);
            });
        }
    }
}

impl Inner {
    async fn flush(&self) {
        loop {
            let text = self.waiting.take();
            if text.is_empty() {
                return;
            }
            match fetch::request("POST", &self.url, &self.token, Some(&text), None).await {
                Ok(reply) if (200..300).contains(&reply.status) => {}
                Ok(reply) => return self.wire.closed(reply.failure()),
                Err(failure) => return self.wire.closed(failure),
            }
        }
    }
}
