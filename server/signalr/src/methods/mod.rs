//! A hub made of functions.
//!
//! Each method is an async function or closure whose parameters say where they come from: plain
//! values from the call's arguments, in order; everything else from types of this crate.
//!
//! | Parameter | What it is |
//! |---|---|
//! | any `T: DeserializeOwned` | the next argument of the call |
//! | [`Payload`](crate::protocol::Payload) | the same, unread |
//! | [`Caller<P>`](Caller) | the connection that calls |
//! | [`Clients<P>`](crate::Clients) | all connections, groups and users |
//! | [`State<T>`](State) | the hub's own state, or a part of it |
//! | [`Upload<T>`](crate::Upload) | the next stream that the client sends |
//! | [`Cancelled`] | told when the client cancels the call or is gone |
//!
//! A method returns a value, or a `Result` of one and [`HubError`] (or a type that becomes one and
//! cannot itself be serialised: the compiler asks for a type annotation otherwise); or [`Later`], to
//! let the next call begin before it has ended.

mod handler;
mod identity;
mod outcome;
mod parameter;

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use futures_util::future::BoxFuture;

pub use self::{
    handler::Handler,
    identity::{Anonymous, Identity},
    outcome::{IntoItems, IntoReply, IntoResult, Later},
    parameter::{Binding, Caller, Cancelled, Parameter, Reason, State},
};

use crate::{Call, Connection, Hub, HubError, Reply, Shape};

/// A [`Hub`] made of functions, for principals `P` and with state `S`.
///
/// ```
/// # use futures_util::stream;
/// # use signalr::{Anonymous, Caller, Clients, HubError, Methods, State, Upload};
/// # use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
/// let hub: Methods<Anonymous, Arc<AtomicU32>> = Methods::with_state(Arc::default())
///     .on("Echo", |text: String| async move { text })
///     .on("Count", |State(count): State<Arc<AtomicU32>>| async move {
///         count.fetch_add(1, Ordering::Relaxed)
///     })
///     .on("Rename", |caller: Caller<Anonymous>, name: String| async move {
///         if name.is_empty() {
///             return Err(HubError::new("A name, please."));
///         }
///         caller.join(&name);
///         Ok(())
///     })
///     .on("Sum", |mut numbers: Upload<u64>| async move {
///         let mut sum = 0;
///         while let Some(number) = numbers.next().await {
///             sum += number?;
///         }
///         Ok::<_, HubError>(sum)
///     })
///     .on_stream("Countdown", |from: u32| async move { stream::iter((0..from).rev()) })
///     .on_connected(|caller: Caller<Anonymous>| async move { caller.send("Welcome", ()).await.map(drop) });
/// # let _ = hub;
/// ```
pub struct Methods<P, S = ()> {
    state: S,
    /// In the order of their registration.
    list: Vec<Method<P, S>>,
    /// Name as registered to place in `list`: most clients spell it so.
    by_name: HashMap<Box<str>, usize, RandomState>,
    /// Lower-case name to place.
    by_folded_name: HashMap<Box<str>, usize, RandomState>,
    connected: Option<Function<P, S>>,
    disconnected: Option<Function<P, S>>,
}

struct Method<P, S> {
    shape: Shape,
    arguments: usize,
    function: Function<P, S>,
}

type Function<P, S> = Box<
    dyn Fn(&mut Binding<'_, P, S>) -> Result<BoxFuture<'static, Reply>, HubError> + Send + Sync,
>;

impl<P> Methods<P> {
    /// No methods and no state yet.
    pub fn new() -> Self {
        Self::with_state(())
    }
}

impl<P> Default for Methods<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P, S> Methods<P, S> {
    /// No methods yet. Methods get at the state, or a part of it, through [`State`].
    pub fn with_state(state: S) -> Self {
        Self {
            state,
            list: Vec::new(),
            by_name: HashMap::default(),
            by_folded_name: HashMap::default(),
            connected: None,
            disconnected: None,
        }
    }

    /// Adds a method that answers with one value. Names are matched without regard to case.
    ///
    /// # Panics
    /// If there is a method of this name already: a mistake to be found at the first start.
    #[must_use]
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method itself would have to live as long as its marker type"
    )]
    pub fn on<M, R, F>(self, name: &str, method: F) -> Self
    where
        F: Handler<P, S, M>,
        F::Output: IntoReply<R>,
    {
        let function = function(method, |output| output.into_reply());
        self.add::<F, M>(name, Shape::PLAIN, function)
    }

    /// Adds a method that answers with a stream. An error of an item ends the stream.
    ///
    /// The stream is polled only while the client's queue has room, and dropped when the client
    /// cancels it.
    ///
    /// # Panics
    /// As [`on`](Self::on).
    #[must_use]
    pub fn on_stream<M, R, F>(self, name: &str, method: F) -> Self
    where
        F: Handler<P, S, M>,
        F::Output: IntoItems<R>,
    {
        let function = function(method, |output| match output.into_items() {
            Ok(items) => Reply::Stream(items),
            Err(error) => error.into(),
        });
        self.add::<F, M>(name, Shape::STREAM, function)
    }

    /// What runs when a connection begins; an error refuses it. Takes no arguments of a call.
    #[must_use]
    pub fn on_connected<M, R, F>(mut self, function_: F) -> Self
    where
        F: Handler<P, S, M>,
        F::Output: IntoResult<R>,
    {
        const {
            assert!(
                F::ARGUMENTS + F::UPLOADS == 0,
                "there is no call to take them from"
            );
        }
        self.connected = Some(function(function_, |output| {
            Reply::Now(output.into_result())
        }));
        self
    }

    /// What runs when a connection has ended, see [`Reason`]. Takes no arguments of a call.
    #[must_use]
    pub fn on_disconnected<M, R, F>(mut self, function_: F) -> Self
    where
        F: Handler<P, S, M>,
        F::Output: IntoResult<R>,
    {
        const {
            assert!(
                F::ARGUMENTS + F::UPLOADS == 0,
                "there is no call to take them from"
            );
        }
        self.disconnected = Some(function(function_, |output| {
            Reply::Now(output.into_result())
        }));
        self
    }

    fn add<F: Handler<P, S, M>, M>(
        mut self,
        name: &str,
        shape: Shape,
        function: Function<P, S>,
    ) -> Self {
        let place = self.list.len();
        let taken = self
            .by_folded_name
            .insert(name.to_lowercase().into(), place);
        assert!(taken.is_none(), "there is a method '{name}' already");
        self.by_name.insert(name.into(), place);
        self.list.push(Method {
            shape: Shape {
                cancellable: F::CANCELLABLE,
                ..shape.with_uploads(F::UPLOADS)
            },
            arguments: F::ARGUMENTS,
            function,
        });
        self
    }

    fn find(&self, target: &str) -> Option<&Method<P, S>> {
        let place = self.by_name.get(target);
        let place = place.or_else(|| self.by_folded_name.get(&*target.to_lowercase()));
        place.map(|place| &self.list[*place])
    }
}

fn function<P, S, M, F: Handler<P, S, M>>(
    handler: F,
    reply: impl Fn(F::Output) -> Reply + Copy + Send + Sync + 'static,
) -> Function<P, S> {
    Box::new(move |binding| {
        let future = handler.call(binding)?;
        Ok(Box::pin(async move { reply(future.await) }))
    })
}

impl<P: Identity, S: Send + Sync + 'static> Methods<P, S> {
    /// Runs what is registered for a connection's begin or end.
    async fn mark(
        &self,
        function: Option<&Function<P, S>>,
        connection: &Arc<Connection<P>>,
        reason: Option<&str>,
    ) -> Result<(), HubError> {
        let Some(function) = function else {
            return Ok(());
        };
        let mut call = Call::default();
        call.cancelled.clone_from(&connection.ended);
        let future = function(&mut Binding::new(
            connection,
            &self.state,
            &mut call,
            reason,
        ))?;
        match future.await {
            Reply::Now(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }
}

impl<P: Identity, S: Send + Sync + 'static> Hub for Methods<P, S> {
    type Principal = P;

    fn same_identity(first: &P, later: &P) -> bool {
        first.is_same(later)
    }

    fn user_key(principal: &P) -> Option<Cow<'_, str>> {
        principal.user_key()
    }

    fn shape(&self, target: &str) -> Option<Shape> {
        self.find(target).map(|method| method.shape)
    }

    async fn connected(&self, connection: &Arc<Connection<P>>) -> Result<(), HubError> {
        self.mark(self.connected.as_ref(), connection, None).await
    }

    async fn invoke(&self, connection: &Arc<Connection<P>>, mut call: Call) -> Reply {
        let Some(method) = self.find(&call.target) else {
            return HubError::unknown_method().into();
        };
        let future = call.provides(method.arguments).and_then(|()| {
            (method.function)(&mut Binding::new(connection, &self.state, &mut call, None))
        });
        match future {
            Ok(future) => future.await,
            Err(error) => error.into(),
        }
    }

    async fn disconnected(&self, connection: &Arc<Connection<P>>, reason: Option<&str>) {
        let function = self.disconnected.as_ref();
        if let Err(error) = self.mark(function, connection, reason).await {
            tracing::warn!(%error, "the end of a connection was not handled");
        }
    }
}

impl<P, S> std::fmt::Debug for Methods<P, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}
