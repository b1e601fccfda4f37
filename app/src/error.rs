//! One error shape for every screen: the same codes as the HTTP API, carried to the browser as data.

use leptos::prelude::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::Moment;
use crate::wire::JsonText;

/// What went wrong, in words a person can act on, and in a code a program can match.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum AppError {
    /// Nobody is signed in, or the session ended.
    #[error("You are signed out. Sign in again; nothing was lost.")]
    SignedOut,
    /// Signed in, but this person may not do that.
    #[error("You may not do that. {need}")]
    Forbidden {
        /// What would be needed, as a sentence: "It needs the role HR."
        need: String,
    },
    /// There is no such thing, or it belongs to somebody else: the two are never told apart.
    #[error("There is no such {what}.")]
    NotFound {
        /// The noun: "request", "group".
        what: String,
    },
    /// The input was refused.
    #[error("{field}: {problem}")]
    Invalid {
        /// The field's name as the form shows it.
        field: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Somebody was faster.
    #[error("{by} {verdict} this before you.")]
    AlreadyDecided {
        /// Display name of who decided.
        by: String,
        /// "approved" or "rejected".
        verdict: String,
        /// When.
        at: Moment,
    },
    /// The request changed after it was opened.
    #[error(
        "The request changed since you opened it. Look at revision {current} and decide again."
    )]
    StaleRevision {
        /// The revision that stands now.
        current: i32,
    },
    /// The database is away; nothing was half-done.
    #[error("Not saved: the server cannot reach its database. Try again in {retry_after_s} s.")]
    Unavailable {
        /// Seconds after which a retry makes sense.
        retry_after_s: u32,
    },
    /// The request never reached the server, or its answer never came back.
    #[error("Not sent: the connection dropped. What you typed is kept.")]
    Unreachable,
    /// What answered was not this server: a proxy before it, with a page of its own. Whether the request reached the
    /// server before that is not known.
    #[error("The server cannot be reached just now. Try again.")]
    BadGateway,
    /// A fault of ours; the details are in the server's log under this id.
    #[error("The server failed. Tell your administrator the number {reference}.")]
    Internal {
        /// Finds the log line.
        reference: String,
    },
}

impl AppError {
    /// The stable code, the same as in the HTTP API's problem documents.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound { .. } => "not_found",
            Self::Invalid { .. } => "invalid",
            Self::AlreadyDecided { .. } => "already_decided",
            Self::StaleRevision { .. } => "stale_revision",
            Self::Unavailable { .. } => "unavailable",
            Self::Unreachable => "unreachable",
            Self::BadGateway => "bad_gateway",
            Self::Internal { .. } => "internal",
        }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonText;

    fn from_server_fn_error(value: ServerFnErrorErr) -> Self {
        match value {
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::Response(_) => Self::Unreachable,
            ServerFnErrorErr::Deserialization(_) => Self::BadGateway,
            other => Self::Internal {
                reference: other.to_string(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_s_page_is_no_number_for_the_administrator() {
        let page = "<html><h1>502 Bad Gateway</h1></html>";
        let error = AppError::de(page.into());
        assert_eq!(error, AppError::BadGateway);
        assert_eq!(error.code(), "bad_gateway");
        assert_eq!(
            error.to_string(),
            "The server cannot be reached just now. Try again."
        );
        let ours = AppError::Internal {
            reference: "7".to_owned(),
        };
        assert_eq!(AppError::de(ours.ser()), ours);
    }
}
