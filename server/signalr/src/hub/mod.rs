//! What a user of this crate implements, or has [`Methods`](crate::Methods) implement.

mod filter;
mod reply;
mod shape;

use std::{borrow::Cow, future::Future, sync::Arc};

pub(crate) use self::reply::encode;
pub use self::{
    filter::{Filter, Filtered, HubExt},
    reply::{HubResult, Reply},
    shape::Shape,
};

use crate::{Call, Connection, HubError, Resumed, WriteMark, protocol::Outcome};

/// The application behind a route.
///
/// One value serves all connections. For each connection: [`connected`](Self::connected) first, then
/// [`invoke`](Self::invoke) in the order of the calls, then [`disconnected`](Self::disconnected)
/// exactly once if `connected` returned `Ok`, or panicked: what it had begun is then to be put away.
///
/// A panic in a call is that call's error. A panic anywhere else closes the connection with an
/// error; what the server keeps of it is given back as at any other end.
///
/// Ordinary calls run one at a time, or as many as
/// [`HubOptions::max_parallel_invocations`](crate::HubOptions::max_parallel_invocations) allows.
/// Calls that stream, up or down, start in order and then run beside the others.
pub trait Hub: Send + Sync + 'static {
    /// Who a request comes from. The host's middleware puts it into the request's extensions (use a
    /// type of your own); a request without it is answered 401, whatever its verb.
    type Principal: Clone + Send + Sync + 'static;

    /// Whether a later request of one connection comes from the same user as the first; 403 if not.
    fn same_identity(first: &Self::Principal, later: &Self::Principal) -> bool;

    /// Under which name [`Clients::user`](crate::Clients::user) finds this principal's connections.
    /// Asked once per connection; `None` (the default) files it under no name.
    fn user_key(principal: &Self::Principal) -> Option<Cow<'_, str>> {
        let _ = principal;
        None
    }

    /// What a method takes and gives beside plain values, by its name in any case; `None` if there
    /// is no such method. Calls that do not fit are answered before [`invoke`](Self::invoke).
    ///
    /// The default knows no streams and leaves unknown names to `invoke`.
    fn shape(&self, target: &str) -> Option<Shape> {
        let _ = target;
        Some(Shape::PLAIN)
    }

    /// After a good handshake. An error closes the connection, and its client must not come back by
    /// itself. This future is always driven to its end.
    fn connected(
        &self,
        connection: &Arc<Connection<Self::Principal>>,
    ) -> impl Future<Output = Result<(), HubError>> + Send;

    /// A client's call. An ordinary call holds its place until this future ends, so long work
    /// belongs into [`Reply::Later`]; the place is lent to the next call while
    /// [`Connection::call_client`] waits. Dropped when it is still running some seconds after the
    /// connection ended. A call that streams holds no place and is dropped with the connection.
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

    /// The client has completed an invocation of the host's own: one that went through
    /// [`Connection::try_send`] under an id of the host's choice. For answers that nobody waits for, which
    /// then cost neither a future nor a place in a table here; [`Connection::call_client`] is for those that
    /// somebody does, and its answers do not come by.
    ///
    /// Gives the outcome back if the id is none of the host's: clients end their uploads in the same way, and choose
    /// those ids. An id proves nothing by itself: a client may write any, and the same one twice. An error says that
    /// the client's handler failed, or returned nothing (the npm client 10: "Client didn't provide a result.").
    ///
    /// Called when it is read, also while earlier messages wait for their turn: must not block.
    fn completed(
        &self,
        connection: &Arc<Connection<Self::Principal>>,
        id: &str,
        outcome: Outcome,
    ) -> Result<(), Outcome> {
        let _ = (connection, id);
        Err(outcome)
    }

    /// A later request of a connection (poll, POST) came with this principal, which passed
    /// [`same_identity`](Self::same_identity): a place to note a newer token's expiry.
    fn seen_again(&self, connection: &Arc<Connection<Self::Principal>>, later: &Self::Principal) {
        let _ = (connection, later);
    }
}
