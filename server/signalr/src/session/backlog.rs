//! Messages that are read and not acted on yet.
//!
//! Reading goes on while a call waits for its turn or for room, because what frees it may be in the
//! input behind it: with stateful reconnect, an Ack. In bytes it is bounded like the input itself.

use std::{collections::VecDeque, task::Poll};

use parking_lot::Mutex;

use super::Ending;
use crate::protocol::Message;

#[derive(Debug)]
pub(super) struct Backlog {
    state: Mutex<State>,
    bound: usize,
}

#[derive(Debug, Default)]
struct State {
    /// With their size.
    messages: VecDeque<(Message, usize)>,
    bytes: usize,
    /// What follows the messages.
    ending: Option<Ending>,
}

/// What to act on next.
pub(super) enum Next {
    Message(Message),
    End(Ending),
}

impl Backlog {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            state: Mutex::default(),
            bound,
        }
    }

    /// Whether another message may be read.
    pub(super) fn has_room(&self) -> bool {
        let state = self.state.lock();
        state.ending.is_none() && (state.messages.is_empty() || state.bytes < self.bound)
    }

    pub(super) fn push(&self, message: Message, size: usize) {
        let mut state = self.state.lock();
        state.bytes += size;
        state.messages.push_back((message, size));
    }

    /// Nothing more is read.
    pub(super) fn end(&self, ending: Ending) {
        self.state.lock().ending = Some(ending);
    }

    /// Pending without a promise to wake: its one caller is polled again after each push.
    pub(super) fn poll_next(&self) -> Poll<Next> {
        let mut state = self.state.lock();
        if let Some((message, size)) = state.messages.pop_front() {
            state.bytes -= size;
            if state.messages.is_empty() {
                state.messages = VecDeque::new();
            }
            return Poll::Ready(Next::Message(message));
        }
        let ending = state.ending.take();
        ending.map_or(Poll::Pending, |ending| Poll::Ready(Next::End(ending)))
    }
}
