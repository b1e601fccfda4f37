//! A failed call, and the exact sentence its caller gets to see.
//!
//! The sentences are those of the official server: clients and their test suites compare them.

use std::fmt::Display;

/// Why a call failed. Which part of it the client sees depends on the constructor and on
/// [`HubOptions::detailed_errors`](crate::HubOptions::detailed_errors).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HubError {
    kind: Kind,
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// For the client's eyes.
    Exposed,
    /// The client sees type and message only with detailed errors.
    Internal(&'static str),
    UnknownMethod,
    /// The arguments do not fit.
    Binding,
    /// The message is the whole sentence.
    Sentence,
}

impl HubError {
    /// A message the client may always see.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Exposed,
            message: message.into(),
        }
    }

    /// A failure the client learns about, but not why; `type_name` and the text show up only with
    /// detailed errors. Log it yourself: this crate never does.
    pub fn internal(type_name: &'static str, error: impl Display) -> Self {
        Self {
            kind: Kind::Internal(type_name),
            message: error.to_string(),
        }
    }

    /// The hub has no such method.
    pub fn unknown_method() -> Self {
        Self {
            kind: Kind::UnknownMethod,
            message: "Method does not exist.".to_owned(),
        }
    }

    /// The arguments do not fit the method; [`Call::bind`](crate::Call::bind) makes these.
    pub fn binding(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Binding,
            message: message.into(),
        }
    }

    /// Hub code panicked; what it said stays in the panic hook's output.
    pub(crate) fn panicked() -> Self {
        tracing::error!("hub code panicked");
        Self::internal("Panic", "the method panicked")
    }

    /// A method that returns one value was called as a stream.
    pub(crate) fn streamed_plain_method(target: &str) -> Self {
        Self::sentence(format!(
            "The client attempted to invoke the non-streaming '{target}' method with a streaming \
             invocation."
        ))
    }

    /// A method that streams was called for one value.
    pub(crate) fn invoked_streaming_method(target: &str) -> Self {
        Self::sentence(format!(
            "The client attempted to invoke the streaming '{target}' method with a non-streaming \
             invocation."
        ))
    }

    /// The call brought another number of streams than the method takes.
    pub(crate) fn wrong_number_of_streams(sent: usize, expected: usize) -> Self {
        Self::new(format!(
            "Client sent {sent} stream(s), Hub method expects {expected}."
        ))
    }

    /// A stream call repeats the id of a stream that still runs.
    pub(crate) fn invocation_id_in_use(id: &str) -> Self {
        Self::sentence(format!("Invocation ID '{id}' is already in use."))
    }

    /// A call names an upload that another call is still reading, or one name twice.
    pub(crate) fn stream_id_in_use(id: &str) -> Self {
        Self::new(format!("Stream ID '{id}' is already in use."))
    }

    /// Too many calls of one connection wait for an answer of a client.
    pub(crate) fn too_many_lent() -> Self {
        Self::new("Too many calls of this connection wait for its client.")
    }

    /// An uploaded item is of another type than the method reads.
    pub(crate) fn stream_binding() -> Self {
        Self::new("Failed to bind Stream message.")
    }

    pub(crate) fn is_unknown_method(&self) -> bool {
        self.kind == Kind::UnknownMethod
    }

    fn sentence(message: String) -> Self {
        Self {
            kind: Kind::Sentence,
            message,
        }
    }

    /// What the caller of `target` reads.
    pub(crate) fn for_caller(&self, target: &str, detailed: bool) -> String {
        let start = match self.kind {
            Kind::UnknownMethod | Kind::Binding => {
                format!("Failed to invoke '{target}' due to an error on the server.")
            }
            Kind::Sentence => String::new(),
            Kind::Exposed | Kind::Internal(_) => {
                format!("An unexpected error occurred invoking '{target}' on the server.")
            }
        };
        self.after(start, detailed)
    }

    /// What the reader of a stream reads that broke off.
    pub(crate) fn for_reader(&self, detailed: bool) -> String {
        let start = "An error occurred on the server while streaming results.";
        self.after(start.to_owned(), detailed)
    }

    /// What a client reads whose connection ends by this error.
    pub(crate) fn for_close(&self, detailed: bool) -> String {
        self.after("Connection closed with an error.".to_owned(), detailed)
    }

    fn after(&self, start: String, detailed: bool) -> String {
        let message = &self.message;
        match self.kind {
            Kind::Sentence => message.clone(),
            Kind::Exposed | Kind::UnknownMethod => format!("{start} HubException: {message}"),
            Kind::Internal(type_name) if detailed => format!("{start} {type_name}: {message}"),
            Kind::Binding if detailed => format!("{start} InvalidDataException: {message}"),
            Kind::Internal(_) | Kind::Binding => start,
        }
    }
}

/// Words for the client.
impl From<&str> for HubError {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

/// Words for the client.
impl From<String> for HubError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

/// A caller is not told of another client's full queue.
impl From<crate::SendError> for HubError {
    fn from(error: crate::SendError) -> Self {
        Self::internal("SendError", error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_read_the_official_sentences() {
        let unknown = HubError::unknown_method();
        assert_eq!(
            unknown.for_caller("Nope", false),
            "Failed to invoke 'Nope' due to an error on the server. HubException: Method does not exist."
        );
        let thrown = HubError::internal("InvalidOperationException", "An error occurred.");
        assert_eq!(
            thrown.for_caller("Throw", true),
            "An unexpected error occurred invoking 'Throw' on the server. InvalidOperationException: An error occurred."
        );
        assert_eq!(
            thrown.for_caller("Throw", false),
            "An unexpected error occurred invoking 'Throw' on the server."
        );
        assert_eq!(
            HubError::new("Locked.").for_close(false),
            "Connection closed with an error. HubException: Locked."
        );
    }
}
