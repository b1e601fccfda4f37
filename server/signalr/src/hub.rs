//! What a user of this crate implements.

use std::{future::Future, sync::Arc};

use futures_util::future::BoxFuture;
use serde::Serialize;

use crate::{Call, Connection, HubError, Limit, Resumed, WriteMark, protocol::Payload};

/// What an invocation returns; [`Payload::null`] stands for nothing.
pub type HubResult = Result<Payload, HubError>;

/// The application behind a route.
///
/// One value serves all connections. For each connection: [`connected`](Self::connected) first, then
/// [`invoke`](Self::invoke) in order and one at a time, then [`disconnected`](Self::disconnected)
/// exactly once if `connected` returned `Ok`.
pub trait Hub: Send + Sync + 'static {
    /// Who a request comes from. The host's middleware puts it into the request's extensions (use a
    /// type of your own); a request without it is answered 401, whatever its verb.
    type Principal: Clone + Send + Sync + 'static;

    /// Whether a later request of one connection comes from the same user as the first; 403 if not.
    fn same_identity(first: &Self::Principal, later: &Self::Principal) -> bool;

    /// After a good handshake. An error closes the connection, and its client must not come back by
    /// itself. This future is always driven to its end.
    fn connected(
        &self,
        connection: &Arc<Connection<Self::Principal>>,
    ) -> impl Future<Output = Result<(), HubError>> + Send;

    /// A client's call. While this future runs, the connection's next call waits, so long work
    /// belongs into [`Reply::Later`]. Dropped when it is still running some seconds after the
    /// connection ended.
    fn invoke(
        &self,
        connection: &Arc<Connection<Self::Principal>>,
        call: Call,
    ) -> impl Future<Output = Reply> + Send;

    /// The end, with the reason if it was not by plan. Sending fails from here on.
    fn disconnected(
        &self,
        connection: &Arc<Connection<Self::Principal>>,
        reason: Option<&str>,
    ) -> impl Future<Output = ()> + Send {
        let _ = (connection, reason);
        async {}
    }

    /// The transport saw that the client was alive and reading after everything up to `through` was
    /// written: a WebSocket pong to a later ping, or the next long poll. On Server-Sent Events the
    /// next POST, which is weaker: it shows life, not reading. With stateful reconnect also each Ack,
    /// which is stronger: the client's library has handled it.
    ///
    /// Called from the transport's task: must not block.
    fn evidence(&self, connection: &Arc<Connection<Self::Principal>>, through: WriteMark) {
        let _ = (connection, through);
    }

    /// The queue fell under its low-water mark after it had refused a message.
    ///
    /// Called from the transport's task: must not block.
    fn writable(&self, connection: &Arc<Connection<Self::Principal>>) {
        let _ = connection;
    }

    /// A client that had lost its WebSocket continues its connection: what was sent to it before is
    /// written again where needed, so the host must not send it again.
    ///
    /// Called from the transport's task: must not block.
    fn resumed(&self, connection: &Arc<Connection<Self::Principal>>, how: Resumed) {
        let _ = (connection, how);
    }

    /// A bound of the options was met. Called from any task: must not block.
    fn limit_reached(&self, limit: Limit) {
        let _ = limit;
    }

    /// A later request of a connection (poll, POST) came with this principal, which passed
    /// [`same_identity`](Self::same_identity): a place to note a newer token's expiry.
    fn seen_again(&self, connection: &Arc<Connection<Self::Principal>>, later: &Self::Principal) {
        let _ = (connection, later);
    }
}

/// The answer to a call.
pub enum Reply {
    /// The result is known: its Completion is queued at once.
    Now(HubResult),
    /// The next call may start; the Completion is queued when this future ends. It is polled by the
    /// connection's own task and dropped when the connection ends.
    Later(BoxFuture<'static, HubResult>),
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
        })
    }
}

fn encode<T: Serialize + ?Sized>(value: &T) -> HubResult {
    Payload::of(value).map_err(|error| HubError::internal("SerializationException", error))
}
