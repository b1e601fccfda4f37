//! Streams that a client sends beside a call.
//!
//! Each has a buffer of a few items ([`HubOptions::stream_buffer_capacity`]); while it is full the
//! connection's input waits. Items of a method that has ended are thrown away.
//!
//! [`HubOptions::stream_buffer_capacity`]: crate::HubOptions::stream_buffer_capacity

use std::{
    future::poll_fn,
    marker::PhantomData,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use futures_util::Stream;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::{HubError, HubResult, protocol::Payload};

/// How the client ended a stream: with an error or without. Unset: it did not get that far.
type End = Arc<OnceLock<Option<String>>>;

/// A client's stream, its items unread. Ends after the first error, which is the client's own or
/// says that the connection ended first.
#[derive(Debug)]
pub struct UploadStream {
    items: mpsc::Receiver<Payload>,
    end: End,
    over: bool,
}

impl Stream for UploadStream {
    type Item = HubResult;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<HubResult>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Some(item) = ready!(self.items.poll_recv(cx)) {
            return Poll::Ready(Some(Ok(item)));
        }
        self.over = true;
        Poll::Ready(match self.end.get() {
            Some(None) => None,
            Some(Some(error)) => Some(Err(HubError::new(error.as_str()))),
            None => Some(Err(HubError::new(
                "The connection ended before the stream did.",
            ))),
        })
    }
}

/// A client's stream of `T`s: a parameter of a method of [`Methods`](crate::Methods).
///
/// ```
/// # use signalr::{HubError, Upload};
/// async fn sum(mut numbers: Upload<u64>) -> Result<u64, HubError> {
///     let mut sum = 0;
///     while let Some(number) = numbers.next().await {
///         sum += number?;
///     }
///     Ok(sum)
/// }
/// ```
#[derive(Debug)]
pub struct Upload<T> {
    stream: UploadStream,
    items: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Upload<T> {
    /// The next item; `None` at the end. After an error it ends.
    pub async fn next(&mut self) -> Option<Result<T, HubError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<T> From<UploadStream> for Upload<T> {
    fn from(stream: UploadStream) -> Self {
        Self {
            stream,
            items: PhantomData,
        }
    }
}

impl<T: DeserializeOwned> Stream for Upload<T> {
    type Item = Result<T, HubError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(item) = ready!(Pin::new(&mut self.stream).poll_next(cx)) else {
            return Poll::Ready(None);
        };
        let item = item.and_then(|item| item.read().map_err(|_| HubError::stream_binding()));
        // What follows an item of the wrong type is not read, as on the official server.
        self.stream.over |= item.is_err();
        Poll::Ready(Some(item))
    }
}

/// The dispatcher's side: where the items of open streams go.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    /// Few at a time: searched in order.
    open: Vec<(String, mpsc::Sender<Payload>, End)>,
}

impl Intake {
    /// Opens all or none.
    pub(crate) fn open(
        &mut self,
        ids: &[String],
        capacity: usize,
    ) -> Result<Vec<UploadStream>, HubError> {
        for (index, id) in ids.iter().enumerate() {
            if self.position(id).is_some() || ids[..index].contains(id) {
                return Err(HubError::stream_id_in_use(id));
            }
        }
        let streams = ids.iter().map(|id| {
            let (sender, items) = mpsc::channel(capacity.max(1));
            let end = End::default();
            self.open.push((id.clone(), sender, Arc::clone(&end)));
            UploadStream {
                items,
                end,
                over: false,
            }
        });
        Ok(streams.collect())
    }

    /// Where items of this stream go, if anybody still reads it.
    pub(crate) fn sender(&self, id: &str) -> Option<mpsc::Sender<Payload>> {
        let (_, sender, _) = &self.open[self.position(id)?];
        Some(sender.clone())
    }

    /// The client ended a stream; unknown ones are late and ignored.
    pub(crate) fn complete(&mut self, id: &str, error: Option<String>) {
        if let Some(index) = self.position(id) {
            let (_, _, end) = self.open.swap_remove(index);
            end.get_or_init(|| error);
        }
    }

    /// The method that read these has ended.
    pub(crate) fn forget(&mut self, ids: &[String]) {
        self.open.retain(|(id, ..)| !ids.contains(id));
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.open.iter().position(|(open, ..)| open == id)
    }
}
