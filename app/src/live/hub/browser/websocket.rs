//! One socket for both directions. The token travels in the query: browsers allow no header.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{MessageEvent, WebSocket};

use super::transport::Wire;
use crate::live::hub::address;
use crate::live::hub::engine::Failure;

/// Unsent bytes beyond which the link counts as dead: the engine never has that much to say.
const UNSENT: u32 = 1024 * 1024;

/// A WebSocket. Closes when dropped.
pub(super) struct Socket {
    inner: WebSocket,
    wire: Wire,
    _opened: Closure<dyn Fn()>,
    _message: Closure<dyn Fn(MessageEvent)>,
    _closed: Closure<dyn Fn()>,
}

impl Socket {
    pub(super) fn open(url: &str, token: &str, wire: Wire) -> Option<Self> {
        let location = web_sys::window()?.location();
        let (protocol, host) = (location.protocol().ok()?, location.host().ok()?);
        let url = address::socket(&protocol, &host, &address::with_token(url, token));
        let socket = WebSocket::new(&url).ok()?;
        let to = wire.clone();
        let opened = Closure::<dyn Fn()>::new(move || to.opened());
        let to = wire.clone();
        let message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            match event.data().as_string() {
                Some(text) => to.received(text),
                None => to.closed(Failure::Transient), // binary: not what was agreed on
            }
        });
        // An error is always followed by a close, so only that is listened to.
        let to = wire.clone();
        let closed = Closure::<dyn Fn()>::new(move || to.closed(Failure::Transient));
        socket.set_onopen(Some(opened.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(closed.as_ref().unchecked_ref()));
        Some(Self {
            inner: socket,
            wire,
            _opened: opened,
            _message: message,
            _closed: closed,
        })
    }

    pub(super) fn send(&self, text: &str) {
        if self.inner.buffered_amount() > UNSENT || self.inner.send_with_str(text).is_err() {
            self.wire.closed(Failure::Transient);
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.inner.set_onopen(None);
        self.inner.set_onmessage(None);
        self.inner.set_onclose(None);
        let _ = self.inner.close();
    }
}
