//! The nine kinds of message, the same in every encoding.

use super::Payload;

/// One hub message, in either direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Calls a method of the other side.
    Invocation(Invocation),
    /// One item of a stream, in either direction.
    StreamItem {
        /// The stream it belongs to.
        id: String,
        /// The item; null is an item too.
        item: Payload,
    },
    /// Ends an invocation or a stream.
    Completion {
        /// The invocation it answers.
        id: String,
        /// How it ended.
        outcome: Outcome,
    },
    /// Calls a method that answers with a stream; always has an id.
    StreamInvocation(Invocation),
    /// Asks the other side to end a stream early.
    CancelInvocation {
        /// The stream to end.
        id: String,
    },
    /// Shows that the sender is alive.
    Ping,
    /// The sender is about to leave.
    Close {
        /// Why, if it was not by plan.
        error: Option<String>,
        /// Whether the receiver may come back by itself.
        allow_reconnect: bool,
    },
    /// Stateful reconnect: everything up to here was handled.
    Ack {
        /// The newest handled message.
        sequence_id: u64,
    },
    /// Stateful reconnect: the number of the message that follows.
    Sequence {
        /// The first message to be replayed.
        sequence_id: u64,
    },
}

impl Message {
    /// A call that wants no answer.
    pub fn call(target: impl Into<String>, arguments: Vec<Payload>) -> Self {
        Self::Invocation(Invocation {
            id: None,
            target: target.into(),
            arguments,
            stream_ids: Vec::new(),
        })
    }
}

/// A call. Without an id the caller wants no answer, not even an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Chosen by the caller, repeated in the answer.
    pub id: Option<String>,
    /// The method's name as the caller spelled it.
    pub target: String,
    /// The positional arguments, streams left out.
    pub arguments: Vec<Payload>,
    /// Streams the caller will send beside the call.
    pub stream_ids: Vec<String>,
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Neither value nor error.
    Void,
    /// It returned this; null is a value.
    Value(Payload),
    /// It failed; the text is for the caller.
    Error(String),
}
