//! What the page may know about its connection.

use thiserror::Error;

/// The state of the connection. Times are milliseconds since 1970 by the browser's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The first attempt of this page is running, or failed and will be made again.
    Connecting,
    /// The handshake succeeded.
    Live,
    /// It was live, dropped, and is trying to come back.
    Reconnecting {
        /// When it was last live.
        since_ms: i64,
    },
    /// The browser has no network, or the server does not want us: see [`Ended`] for the latter.
    Offline {
        /// When that began.
        since_ms: i64,
    },
}

/// Why the client stopped trying. Only `retry_now` starts it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// There is no session any more, or it may not open a hub connection.
    SignedOut,
    /// The server closed the connection and asked not to come back.
    Closed {
        /// Its words, if it gave any.
        reason: Option<String>,
    },
}

/// Why a call to the hub has no result.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    /// There is no live connection, or it dropped before the answer. It may have been carried out.
    #[error("not connected to the hub")]
    NotConnected,
    /// Too many calls wait for their answer. It was not sent.
    #[error("too many hub calls at once")]
    Busy,
    /// The hub answered with an error.
    #[error("{0}")]
    Refused(String),
    /// The hub answered with something else than expected.
    #[error("the hub answered in a form this page does not know")]
    Unreadable,
}
