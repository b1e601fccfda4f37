//! Where a method's parameters come from.

use std::{ops::Deref, slice, sync::Arc, vec};

use axum::extract::FromRef;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::{
    Call, Clients, Connection, HubError, Upload, UploadStream, call::argument, protocol::Payload,
};

/// What a method's parameter is taken from.
#[derive(Debug)]
pub struct Binding<'a, P, S> {
    connection: &'a Arc<Connection<P>>,
    state: &'a S,
    arguments: slice::Iter<'a, Payload>,
    uploads: vec::IntoIter<UploadStream>,
    cancelled: &'a CancellationToken,
    reason: Option<&'a str>,
}

impl<'a, P, S> Binding<'a, P, S> {
    pub(super) fn new(
        connection: &'a Arc<Connection<P>>,
        state: &'a S,
        call: &'a mut Call,
        reason: Option<&'a str>,
    ) -> Self {
        Self {
            connection,
            state,
            uploads: std::mem::take(&mut call.uploads).into_iter(),
            arguments: call.arguments.iter(),
            cancelled: &call.cancelled,
            reason,
        }
    }

    /// The connection that calls.
    pub fn connection(&self) -> &'a Arc<Connection<P>> {
        self.connection
    }

    /// The hub's state.
    pub fn state(&self) -> &'a S {
        self.state
    }
}

/// A type that a method of [`Methods`](crate::Methods) may have as a parameter.
///
/// Implement it for a type of your own that is made from the connection, its principal or the hub's
/// state, such as a database handle or a checked permission.
///
/// ```
/// # use signalr::{HubError, Parameter, methods::Binding};
/// struct Device(String);
///
/// impl<P, S> Parameter<P, S> for Device {
///     fn bind(from: &mut Binding<'_, P, S>) -> Result<Self, HubError> {
///         let device = from.connection().query("device");
///         let device = device.ok_or_else(|| HubError::new("Which device?"))?;
///         Ok(Self(device.to_owned()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a hub method",
    note = "arguments of the call need `serde::de::DeserializeOwned`"
)]
pub trait Parameter<P, S>: Sized {
    /// Arguments of the call that it takes.
    const ARGUMENTS: usize = 0;
    /// Streams of the client that it takes.
    const UPLOADS: usize = 0;
    /// Whether it watches for cancellation.
    const CANCELLABLE: bool = false;

    /// Takes it.
    fn bind(from: &mut Binding<'_, P, S>) -> Result<Self, HubError>;
}

impl<P, S, T: DeserializeOwned> Parameter<P, S> for T {
    const ARGUMENTS: usize = 1;

    fn bind(from: &mut Binding<'_, P, S>) -> Result<Self, HubError> {
        let next = from.arguments.next();
        argument(next.ok_or_else(|| HubError::binding("An argument is missing."))?)
    }
}

/// The next argument, unread: to be passed on as it came, whatever the client speaks.
impl<P, S> Parameter<P, S> for Payload {
    const ARGUMENTS: usize = 1;

    fn bind(from: &mut Binding<'_, P, S>) -> Result<Self, HubError> {
        let next = from.arguments.next().cloned();
        next.ok_or_else(|| HubError::binding("An argument is missing."))
    }
}

/// The connection that calls.
#[derive(Debug)]
pub struct Caller<P>(pub Arc<Connection<P>>);

impl<P> Deref for Caller<P> {
    type Target = Arc<Connection<P>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<P, S> Parameter<P, S> for Caller<P> {
    fn bind(from: &mut Binding<'_, P, S>) -> Result<Self, HubError> {
        Ok(Self(Arc::clone(from.connection)))
    }
}

impl<P, S> Parameter<P, S> for Clients<P> {
    fn bind(from: &mut Binding<'_, P, S>) -> Result<Self, HubError> {
        let registry = from.connection.membership.registry.get();
        let registry = registry.ok_or_else(|| HubError::new("The connection is closing."))?;
        Ok(Clients::new(Arc::clone(registry)))
    }
}

/// The hub's state, or the part of it that [`FromRef`] gives.
#[derive(Debug, Clone, Copy)]
pub struct State<T>(pub T);

impl<P, S, T: FromRef<S>> Parameter<P, S> for State<T> {
    fn bind(from: &mut Binding<'_, P, S>) -> Result<Self, HubError> {
        Ok(Self(T::from_ref(from.state)))
    }
}

impl<P, S, T> Parameter<P, S> for Upload<T> {
    const UPLOADS: usize = 1;

    fn bind(from: &mut Binding<'_, P, S>) -> Result<Self, HubError> {
        let next = from.uploads.next();
        Ok(next
            .ok_or_else(|| HubError::binding("A stream is missing."))?
            .into())
    }
}

/// Cancelled when the client cancels the call, or when the connection ends.
///
/// A stream needs it only to stop work that runs elsewhere: the stream itself is dropped.
#[derive(Debug, Clone)]
pub struct Cancelled(pub CancellationToken);

impl<P, S> Parameter<P, S> for Cancelled {
    const CANCELLABLE: bool = true;

    fn bind(from: &mut Binding<'_, P, S>) -> Result<Self, HubError> {
        Ok(Self(from.cancelled.clone()))
    }
}

/// Why a connection ended, if it was not by plan: for
/// [`Methods::on_disconnected`](crate::Methods::on_disconnected).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(pub Option<String>);

impl<P, S> Parameter<P, S> for Reason {
    fn bind(from: &mut Binding<'_, P, S>) -> Result<Self, HubError> {
        Ok(Self(from.reason.map(str::to_owned)))
    }
}
