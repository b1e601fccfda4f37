//! What a method may return.
//!
//! The markers keep implementations apart that would overlap: a `Result` can be serialised too, but
//! here it means success or failure.

use std::future::Future;

use futures_util::{Stream, StreamExt, stream::BoxStream};
use serde::Serialize;

use crate::{HubError, HubResult, Reply, hub::encode, protocol::Payload};

/// Marks a value.
#[derive(Debug)]
pub struct Value;
/// Marks a value or an error.
#[derive(Debug)]
pub struct Fallible;
/// Marks a value that is encoded already.
#[derive(Debug)]
pub struct Encoded;
/// Marks [`Later`].
#[derive(Debug)]
pub struct Beside;

/// One value, or why there is none.
pub trait IntoResult<M> {
    /// Encodes it.
    fn into_result(self) -> HubResult;
}

impl<T: Serialize> IntoResult<Value> for T {
    fn into_result(self) -> HubResult {
        encode(&self)
    }
}

impl<T: Serialize, E: Into<HubError>> IntoResult<Fallible> for Result<T, E> {
    fn into_result(self) -> HubResult {
        encode(&self.map_err(Into::into)?)
    }
}

impl IntoResult<Encoded> for Payload {
    fn into_result(self) -> HubResult {
        Ok(self)
    }
}

impl<E: Into<HubError>> IntoResult<(Fallible, Encoded)> for Result<Payload, E> {
    fn into_result(self) -> HubResult {
        self.map_err(Into::into)
    }
}

/// What a method of [`Methods::on`](crate::Methods::on) may return.
pub trait IntoReply<M> {
    /// As an answer.
    fn into_reply(self) -> Reply;
}

impl<M, T: IntoResult<M>> IntoReply<(M,)> for T {
    fn into_reply(self) -> Reply {
        Reply::Now(self.into_result())
    }
}

/// Lets the client's next call begin, and answers this one when the future inside has ended.
///
/// ```
/// # use signalr::{Anonymous, Later, Methods};
/// # async fn slow_work() -> u32 { 42 }
/// let hub: Methods<Anonymous> = Methods::new().on("Slow", || async { Later(slow_work()) });
/// # let _ = hub;
/// ```
#[derive(Debug)]
pub struct Later<F>(pub F);

impl<M, F> IntoReply<(Beside, M)> for Later<F>
where
    F: Future<Output: IntoResult<M>> + Send + 'static,
{
    fn into_reply(self) -> Reply {
        Reply::Later(Box::pin(async move { self.0.await.into_result() }))
    }
}

/// What a method of [`Methods::on_stream`](crate::Methods::on_stream) may return: a stream, or a
/// `Result` of one.
pub trait IntoItems<M> {
    /// Encodes each item when it is asked for.
    fn into_items(self) -> Result<BoxStream<'static, HubResult>, HubError>;
}

impl<M: 'static, T> IntoItems<(Value, M)> for T
where
    T: Stream<Item: IntoResult<M>> + Send + 'static,
{
    fn into_items(self) -> Result<BoxStream<'static, HubResult>, HubError> {
        Ok(Box::pin(self.map(IntoResult::into_result)))
    }
}

impl<M: 'static, T, E> IntoItems<(Fallible, M)> for Result<T, E>
where
    T: Stream<Item: IntoResult<M>> + Send + 'static,
    E: Into<HubError>,
{
    fn into_items(self) -> Result<BoxStream<'static, HubResult>, HubError> {
        self.map_err(Into::into)?.into_items()
    }
}
