//! The browser's word on network and visibility.

use std::rc::Weak;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{EventTarget, VisibilityState};

use super::client::{Hub, post_to};
use crate::live::hub::engine::Event;

/// Listens until it is dropped.
pub(super) struct Page {
    listeners: Vec<Listener>,
}

struct Listener {
    target: EventTarget,
    name: &'static str,
    then: Closure<dyn Fn()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let function = self.then.as_ref().unchecked_ref();
        let _ = self
            .target
            .remove_event_listener_with_callback(self.name, function);
    }
}

impl Page {
    pub(super) fn listen(hub: &Weak<Hub>) -> Self {
        let mut page = Self {
            listeners: Vec::new(),
        };
        let Some(window) = web_sys::window() else {
            return page;
        };
        let document = window.document();
        let to = hub.clone();
        page.on(window.clone().into(), "online", move || {
            post_to(&to, Event::Online);
        });
        let to = hub.clone();
        page.on(window.into(), "offline", move || {
            post_to(&to, Event::Offline);
        });
        if let Some(document) = document {
            let to = hub.clone();
            page.on(document.into(), "visibilitychange", move || {
                post_to(
                    &to,
                    if is_hidden() {
                        Event::Hidden
                    } else {
                        Event::Visible
                    },
                );
            });
        }
        page
    }

    fn on(&mut self, target: EventTarget, name: &'static str, then: impl Fn() + 'static) {
        let then = Closure::<dyn Fn()>::new(then);
        let function = then.as_ref().unchecked_ref();
        if target
            .add_event_listener_with_callback(name, function)
            .is_ok()
        {
            self.listeners.push(Listener { target, name, then });
        }
    }
}

/// What the browser believes at the start.
pub(super) fn has_network() -> bool {
    web_sys::window().is_none_or(|window| window.navigator().on_line())
}

/// Whether the tab is in the back.
pub(super) fn is_hidden() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    document.is_some_and(|document| document.visibility_state() == VisibilityState::Hidden)
}
