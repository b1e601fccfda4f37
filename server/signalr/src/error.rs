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

    /// A method that returns one value was called as a stream.
    pub(crate) fn streaming(target: &str) -> Self {
        let message = format!(
            "The client attempted to invoke the non-streaming '{target}' method with a streaming \
             invocation."
        );
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
