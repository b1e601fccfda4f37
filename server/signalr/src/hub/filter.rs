//! Code around every call and every coming and going of a hub.

use std::{borrow::Cow, future::Future, sync::Arc};

use super::{Hub, Reply, Shape};
use crate::{Call, Connection, HubError, Resumed, WriteMark, protocol::Outcome};

/// Runs around a hub's methods: to measure, to refuse, to change arguments or answers.
///
/// Each method gets what comes next and decides whether, when and with what to go on; the defaults
/// just go on. Put it around a hub with [`HubExt::filter`]; of several the last one added runs first.
///
/// ```
/// # use std::{future::Future, sync::Arc};
/// # use signalr::{Call, Connection, Filter, HubError, Reply};
/// struct OnlyWithin(usize);
///
/// impl<P: Send + Sync> Filter<P> for OnlyWithin {
///     async fn invoke<N, F>(&self, _: &Arc<Connection<P>>, call: Call, next: N) -> Reply
///     where
///         N: FnOnce(Call) -> F + Send,
///         F: Future<Output = Reply> + Send,
///     {
///         if call.arguments.len() > self.0 {
///             return HubError::new("Too much at once.").into();
///         }
///         next(call).await
///     }
/// }
/// ```
pub trait Filter<P: Send + Sync>: Send + Sync + 'static {
    /// Around [`Hub::connected`].
    fn connected<F>(
        &self,
        connection: &Arc<Connection<P>>,
        next: F,
    ) -> impl Future<Output = Result<(), HubError>> + Send
    where
        F: Future<Output = Result<(), HubError>> + Send,
    {
        let _ = connection;
        next
    }

    /// Around [`Hub::invoke`]. Unknown methods and calls that stream where the method does not, or
    /// the reverse, do not come this far.
    fn invoke<N, F>(
        &self,
        connection: &Arc<Connection<P>>,
        call: Call,
        next: N,
    ) -> impl Future<Output = Reply> + Send
    where
        N: FnOnce(Call) -> F + Send,
        F: Future<Output = Reply> + Send,
    {
        let _ = connection;
        async move { next(call).await }
    }

    /// Around [`Hub::disconnected`].
    fn disconnected<F>(
        &self,
        connection: &Arc<Connection<P>>,
        reason: Option<&str>,
        next: F,
    ) -> impl Future<Output = ()> + Send
    where
        F: Future<Output = ()> + Send,
    {
        let _ = (connection, reason);
        next
    }
}

/// What every hub can have around it.
pub trait HubExt: Hub + Sized {
    /// This hub with `filter` around it.
    fn filter<F: Filter<Self::Principal>>(self, filter: F) -> Filtered<Self, F> {
        Filtered { hub: self, filter }
    }
}

impl<H: Hub> HubExt for H {}

/// A hub with a filter around it, see [`HubExt::filter`].
#[derive(Debug)]
pub struct Filtered<H, F> {
    hub: H,
    filter: F,
}

impl<H, F> Filtered<H, F> {
    /// The hub inside.
    pub fn inner(&self) -> &H {
        &self.hub
    }
}

impl<H: Hub, F: Filter<H::Principal>> Hub for Filtered<H, F> {
    type Principal = H::Principal;

    fn same_identity(first: &H::Principal, later: &H::Principal) -> bool {
        H::same_identity(first, later)
    }

    fn user_key(principal: &H::Principal) -> Option<Cow<'_, str>> {
        H::user_key(principal)
    }

    fn shape(&self, target: &str) -> Option<Shape> {
        self.hub.shape(target)
    }

    async fn connected(&self, connection: &Arc<Connection<H::Principal>>) -> Result<(), HubError> {
        let next = self.hub.connected(connection);
        self.filter.connected(connection, next).await
    }

    async fn invoke(&self, connection: &Arc<Connection<H::Principal>>, call: Call) -> Reply {
        let next = |call| self.hub.invoke(connection, call);
        self.filter.invoke(connection, call, next).await
    }

    async fn disconnected(&self, connection: &Arc<Connection<H::Principal>>, reason: Option<&str>) {
        let next = self.hub.disconnected(connection, reason);
        self.filter.disconnected(connection, reason, next).await;
    }

    fn evidence(&self, connection: &Arc<Connection<H::Principal>>, through: WriteMark) {
        self.hub.evidence(connection, through);
    }

    fn writable(&self, connection: &Arc<Connection<H::Principal>>) {
        self.hub.writable(connection);
    }

    fn resumed(&self, connection: &Arc<Connection<H::Principal>>, how: Resumed) {
        self.hub.resumed(connection, how);
    }

    fn completed(
        &self,
        connection: &Arc<Connection<H::Principal>>,
        id: &str,
        outcome: Outcome,
    ) -> Result<(), Outcome> {
        self.hub.completed(connection, id, outcome)
    }

    fn seen_again(&self, connection: &Arc<Connection<H::Principal>>, later: &H::Principal) {
        self.hub.seen_again(connection, later);
    }
}
