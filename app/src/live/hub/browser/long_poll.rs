//! Polls down, POSTs up: works wherever a page loads.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::client::now;
use super::fetch::{self, Abort};
use super::post::Post;
use super::timers::Timeout;
use super::transport::Wire;

/// The server answers a poll within 90 s; one that takes longer is lost.
const LOST: u32 = 100_000;

/// The polling loop. Ends when dropped, and tells the server then.
pub(super) struct LongPoll {
    url: String,
    token: String,
    post: Post,
    abort: Rc<Abort>,
}

impl LongPoll {
    pub(super) fn open(url: &str, token: &str, wire: Wire) -> Self {
        let abort = Rc::new(Abort::new());
        let (url, token) = (url.to_owned(), token.to_owned());
        spawn_local(poll(
            url.clone(),
            token.clone(),
            wire.clone(),
            Rc::clone(&abort),
        ));
        let post = Post::new(&url, &token, wire);
        Self {
            url,
            token,
            post,
            abort,
        }
    }

    pub(super) fn send(&self, text: &str) {
        self.post.send(text);
    }
}

impl Drop for LongPoll {
    fn drop(&mut self) {
        self.abort.now();
        let (url, token) = (
            std::mem::take(&mut self.url),
            std::mem::take(&mut self.token),
        );
        spawn_local(async move {
            // 404 when the server had ended it first; either way it is over.
            let _ = fetch::request("DELETE", &url, &token, None, None).await;
        });
    }
}

/// The first answer comes at once and says that the connection is there.
async fn poll(url: String, token: String, wire: Wire, abort: Rc<Abort>) {
    let mut opened = false;
    let why = loop {
        let overdue = Rc::clone(&abort);
        let overdue = Timeout::new(LOST, move || overdue.now());
        let signal = abort.signal();
        let fresh = format!("{url}&_={}", now());
        let answer = fetch::request("GET", &fresh, &token, None, signal.as_ref()).await;
        drop(overdue);
        match answer {
            Ok(reply) if reply.status == 200 => {
                if !std::mem::replace(&mut opened, true) {
                    wire.opened();
                }
                if !reply.text.is_empty() {
                    wire.received(reply.text);
                }
            }
            Ok(reply) => break reply.failure(), // 204: the server ended it
            Err(failure) => break failure,
        }
    };
    wire.closed(why);
}
