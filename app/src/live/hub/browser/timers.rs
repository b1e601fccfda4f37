//! `setTimeout`, one per purpose. Hidden tabs run them late: nobody here relies on the hour.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Weak;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use super::client::{Hub, post_to};
use crate::live::hub::engine::{Event, Timer};

/// One timeout; cleared when dropped.
pub(super) struct Timeout {
    handle: i32,
    _then: Closure<dyn Fn()>,
}

impl Timeout {
    pub(super) fn new(ms: u32, then: impl Fn() + 'static) -> Option<Self> {
        let then = Closure::<dyn Fn()>::new(then);
        let handle = web_sys::window()?.set_timeout_with_callback_and_timeout_and_arguments_0(
            then.as_ref().unchecked_ref(),
            i32::try_from(ms).unwrap_or(i32::MAX),
        );
        Some(Self {
            handle: handle.ok()?,
            _then: then,
        })
    }
}

impl Drop for Timeout {
    fn drop(&mut self) {
        if let Some(window) = web_sys::window() {
            window.clear_timeout_with_handle(self.handle);
        }
    }
}

/// The engine's timers. One that ran out stays until it is set again.
pub(super) struct Timers {
    hub: Weak<Hub>,
    running: RefCell<BTreeMap<Timer, Timeout>>,
}

impl Timers {
    pub(super) fn new(hub: Weak<Hub>) -> Self {
        Self {
            hub,
            running: RefCell::default(),
        }
    }

    pub(super) fn set(&self, timer: Timer, ms: u32) {
        self.clear(timer);
        let hub = self.hub.clone();
        let timeout = Timeout::new(ms, move || post_to(&hub, Event::Timer(timer)));
        if let Some(timeout) = timeout {
            self.running.borrow_mut().insert(timer, timeout);
        }
    }

    pub(super) fn clear(&self, timer: Timer) {
        drop(self.running.borrow_mut().remove(&timer));
    }
}
