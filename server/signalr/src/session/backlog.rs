//! Messages that are read and not acted on yet.
//!
//! Reading goes on while a call waits for its turn or for room, because what frees it may be in the
//! input behind it: an Ack, an answer, a cancellation. Only the first message is kept as it was
//! decoded; those behind it are kept as they came, so that the bound in bytes is one in memory.

use std::{collections::VecDeque, task::Poll};

use parking_lot::Mutex;

use super::Ending;
use crate::protocol::{Message, Protocol};

/// What a waiting message takes beside its bytes: two allocations and its place in the queue.
const OVERHEAD: usize = 96;

#[derive(Debug)]
pub(super) struct Backlog {
    state: Mutex<State>,
    protocol: Protocol,
    bound: usize,
}

#[derive(Debug, Default)]
struct State {
    /// Came when nothing waited. Before the others.
    first: Option<(Message, usize)>,
    waiting: VecDeque<Waiting>,
    /// Of all of them, in bytes.
    cost: usize,
    /// What follows the messages.
    ending: Option<Ending>,
}

/// Decoded once to see what it is, and again when it is its turn.
#[derive(Debug)]
struct Waiting {
    frame: Box<[u8]>,
    /// The stream that it asks for.
    begins: Option<Box<str>>,
}

/// What to act on next.
pub(super) enum Next {
    Message(Message),
    End(Ending),
}

impl Backlog {
    pub(super) fn new(protocol: Protocol, bound: usize) -> Self {
        Self {
            state: Mutex::default(),
            protocol,
            bound,
        }
    }

    /// Whether another message may be put in.
    pub(super) fn has_room(&self) -> bool {
        let state = self.state.lock();
        state.cost < self.bound || state.first.is_none() && state.waiting.is_empty()
    }

    /// Adds a message and the frame that it came in.
    pub(super) fn push(&self, message: Message, frame: &[u8]) {
        let mut state = self.state.lock();
        let cost = frame.len() + OVERHEAD;
        state.cost += cost;
        if state.first.is_none() && state.waiting.is_empty() {
            state.first = Some((message, cost));
            return;
        }
        let begins = match message {
            Message::StreamInvocation(call) => call.id.map(String::into_boxed_str),
            _ => None,
        };
        state.waiting.push_back(Waiting {
            frame: frame.into(),
            begins,
        });
    }

    /// Whether a call for this stream waits.
    pub(super) fn begins(&self, id: &str) -> bool {
        let state = self.state.lock();
        let first = state.first.as_ref();
        first.is_some_and(|(message, _)| match message {
            Message::StreamInvocation(call) => call.id.as_deref() == Some(id),
            _ => false,
        }) || state
            .waiting
            .iter()
            .any(|waiting| waiting.begins.as_deref() == Some(id))
    }

    /// Nothing more is read.
    pub(super) fn end(&self, ending: Ending) {
        self.state.lock().ending = Some(ending);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state.lock().ending.is_some()
    }

    /// The ending, whatever is left before it.
    pub(super) fn give_up(&self) -> Ending {
        let ending = self.state.lock().ending.take();
        ending.unwrap_or(Ending::Gone)
    }

    /// Pending without a promise to wake: its one caller is polled again after each push.
    pub(super) fn poll_next(&self) -> Poll<Next> {
        let mut state = self.state.lock();
        if let Some((message, cost)) = state.first.take() {
            state.cost -= cost;
            return Poll::Ready(Next::Message(message));
        }
        while let Some(Waiting { frame, .. }) = state.waiting.pop_front() {
            state.cost -= frame.len() + OVERHEAD;
            if state.waiting.is_empty() {
                state.waiting = VecDeque::new();
            }
            // It was read before, so it can be again.
            if let Ok(Some(message)) = self.protocol.decode(&frame) {
                return Poll::Ready(Next::Message(message));
            }
        }
        let ending = state.ending.take();
        ending.map_or(Poll::Pending, |ending| Poll::Ready(Next::End(ending)))
    }
}
