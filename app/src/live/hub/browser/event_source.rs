//! Server-Sent Events down, POSTs up.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent};

use super::post::Post;
use super::transport::Wire;
use crate::live::hub::address;
use crate::live::hub::engine::Failure;

/// An event stream. Closes when dropped.
pub(super) struct EventStream {
    source: EventSource,
    post: Post,
    _opened: Closure<dyn Fn()>,
    _message: Closure<dyn Fn(MessageEvent)>,
    _failed: Closure<dyn Fn()>,
}

impl EventStream {
    pub(super) fn open(url: &str, token: &str, wire: Wire) -> Option<Self> {
        let source = EventSource::new(&address::with_token(url, token)).ok()?;
        let to = wire.clone();
        let opened = Closure::<dyn Fn()>::new(move || to.opened());
        let to = wire.clone();
        let message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                to.received(text);
            }
        });
        // The browser's own retry would reuse a spent connection: a loss is a loss.
        let to = wire.clone();
        let failed = Closure::<dyn Fn()>::new(move || to.closed(Failure::Transient));
        source.set_onopen(Some(opened.as_ref().unchecked_ref()));
        source.set_onmessage(Some(message.as_ref().unchecked_ref()));
        source.set_onerror(Some(failed.as_ref().unchecked_ref()));
        let post = Post::new(url, token, wire);
        Some(Self {
            source,
            post,
            _opened: opened,
            _message: message,
            _failed: failed,
        })
    }

    pub(super) fn send(&self, text: &str) {
        self.post.send(text);
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.source.set_onopen(None);
        self.source.set_onmessage(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}
