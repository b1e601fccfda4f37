//! The answer to a call.

use std::future::Future;

use futures_util::{Stream, StreamExt, future::BoxFuture, stream::BoxStream};
use serde::Serialize;

use crate::{HubError, protocol::Payload};

/// What an invocation returns; [`Payload::null`] stands for nothing.
pub type HubResult = Result<Payload, HubError>;

/// The answer to a call.
pub enum Reply {
    /// The result is known: its Completion is queued at once.
    Now(HubResult),
    /// The next call may start; the Completion is queued when this future ends. It is polled by the
    /// connection's own task and dropped when the connection ends.
    Later(BoxFuture<'static, HubResult>),
    /// One StreamItem for each item, a Completion at the end or at the first error. Polled by the
    /// connection's own task and only while the connection's queue has room. Dropped when the client
    /// cancels it or the connection ends.
    ///
    /// Only for a method whose [`Shape`](crate::Shape) says that it streams.
    Stream(BoxStream<'static, HubResult>),
}

impl Reply {
    /// Nothing to return; clients see null.
    pub fn done() -> Self {
        Self::Now(Ok(Payload::null()))
    }

    /// Returns `value`.
    pub fn value<T: Serialize + ?Sized>(value: &T) -> Self {
        Self::Now(encode(value))
    }

    /// Returns what a future yields, without holding up the next call.
    pub fn later<T: Serialize>(
        future: impl Future<Output = Result<T, HubError>> + Send + 'static,
    ) -> Self {
        Self::Later(Box::pin(async move { encode(&future.await?) }))
    }

    /// Streams items.
    pub fn stream<T: Serialize>(
        items: impl Stream<Item = Result<T, HubError>> + Send + 'static,
    ) -> Self {
        Self::Stream(Box::pin(items.map(|item| encode(&item?))))
    }
}

impl<T: Serialize> From<Result<T, HubError>> for Reply {
    fn from(result: Result<T, HubError>) -> Self {
        Self::Now(result.and_then(|value| encode(&value)))
    }
}

impl From<HubError> for Reply {
    fn from(error: HubError) -> Self {
        Self::Now(Err(error))
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Now(Ok(_)) => "Reply::Now(Ok)",
            Self::Now(Err(_)) => "Reply::Now(Err)",
            Self::Later(_) => "Reply::Later",
            Self::Stream(_) => "Reply::Stream",
        })
    }
}

pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> HubResult {
    Payload::of(value).map_err(|error| HubError::internal("SerializationException", error))
}
