//! Streams to the client: a StreamItem for each item, a Completion at the end.
//!
//! Nothing is buffered here. A stream is asked for its next item only while the connection's queue
//! has room; the streams of one connection take turns.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{
    FutureExt, Stream, StreamExt,
    future::BoxFuture,
    stream::{AbortHandle, Abortable, BoxStream, CatchUnwind, SelectAll},
};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::question::Question;
use crate::{
    CallOutcome, HubError, HubResult, Reply,
    protocol::{Message, Protocol},
};

/// The streams of one connection.
pub(super) struct Downloads<'a, P> {
    open: SelectAll<Download<'a, P>>,
    cancels: &'a Cancels,
}

/// How to cancel the open streams, by invocation id. Apart from them, so that whoever reads the
/// client's messages can do it while nothing can be acted on.
#[derive(Debug, Default)]
pub(super) struct Cancels(Mutex<Vec<(String, AbortHandle, CancellationToken)>>);

impl Cancels {
    pub(super) fn contains(&self, id: &str) -> bool {
        self.0.lock().iter().any(|(open, ..)| open == id)
    }

    /// The client wants no more of a stream; `false` if it is not open.
    pub(super) fn cancel(&self, id: &str) -> bool {
        let open = self.0.lock();
        let found = open.iter().find(|(open, ..)| open == id);
        let Some((abort, cancelled)) =
            found.map(|(_, abort, token)| (abort.clone(), token.clone()))
        else {
            return false;
        };
        // Without the lock: who waits for the token may be anybody.
        drop(open);
        cancelled.cancel();
        abort.abort();
        true
    }

    fn open(&self, id: String, abort: AbortHandle, cancelled: CancellationToken) {
        self.0.lock().push((id, abort, cancelled));
    }

    fn forget(&self, id: Option<&String>) {
        let mut open = self.0.lock();
        open.retain(|(open, ..)| Some(open) != id);
        if open.is_empty() {
            *open = Vec::new();
        }
    }
}

/// What comes of polling them.
pub(super) enum Step<P> {
    /// A framed StreamItem.
    Item(Bytes),
    Over(Over<P>),
}

/// The end of one stream.
pub(super) struct Over<P> {
    pub(super) question: Question<P>,
    pub(super) uploads: Vec<String>,
    /// What the client reads, if it failed.
    pub(super) error: Option<String>,
    pub(super) outcome: CallOutcome,
}

impl<'a, P: Send + Sync> Downloads<'a, P> {
    pub(super) fn new(cancels: &'a Cancels) -> Self {
        Self {
            open: SelectAll::new(),
            cancels,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Opens a stream whose id is not open yet; `reply` is the call that answers with it.
    pub(super) fn open(
        &mut self,
        question: Question<P>,
        uploads: Vec<String>,
        reply: BoxFuture<'a, Reply>,
        cancelled: CancellationToken,
        style: Style,
    ) {
        let (abort, registration) = AbortHandle::new_pair();
        if let Some(id) = &question.id {
            self.cancels.open(id.clone(), abort, cancelled);
        }
        self.open.push(Download {
            source: Some(Abortable::new(Source::Calling(reply), registration)),
            question: Some(question),
            uploads,
            style,
        });
    }

    pub(super) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Option<Step<P>>> {
        let step = ready!(self.open.poll_next_unpin(cx));
        if let Some(Step::Over(over)) = &step {
            self.cancels.forget(over.question.id.as_ref());
        }
        Poll::Ready(step)
    }
}

/// How a connection wants things written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) protocol: Protocol,
    pub(super) detailed: bool,
}

/// One stream. Yields items, then its end, then nothing.
struct Download<'a, P> {
    source: Option<Abortable<Source<'a>>>,
    question: Option<Question<P>>,
    uploads: Vec<String>,
    style: Style,
}

impl<P> Download<'_, P> {
    fn over(&mut self, error: Option<String>, outcome: CallOutcome) -> Option<Step<P>> {
        // Before the Completion is written, so that what the drop does comes first.
        self.source = None;
        let question = self.question.take()?;
        Some(Step::Over(Over {
            question,
            uploads: std::mem::take(&mut self.uploads),
            error,
            outcome,
        }))
    }

    fn frame(&self, item: crate::protocol::Payload) -> Option<Step<P>> {
        let id = self.question.as_ref()?.id.clone()?;
        let item = Message::StreamItem { id, item };
        Some(Step::Item(self.style.protocol.encode(&item)))
    }
}

impl<P: Send + Sync> Stream for Download<'_, P> {
    type Item = Step<P>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Step<P>>> {
        let Some(source) = &mut self.source else {
            return Poll::Ready(None);
        };
        let event = ready!(source.poll_next_unpin(cx));
        let aborted = source.is_aborted();
        let detailed = self.style.detailed;
        let step = match event {
            Some(Event::Item(item)) => self.frame(item),
            Some(Event::NotCalled(error)) => {
                let target = self.question.as_ref().map(|question| &question.target);
                let error = error.for_caller(target.map_or("", String::as_str), detailed);
                self.over(Some(error), CallOutcome::Failed)
            }
            Some(Event::BrokeOff(error)) => {
                let error = error.for_reader(detailed);
                self.over(Some(error), CallOutcome::Failed)
            }
            None if aborted => self.over(None, CallOutcome::Cancelled),
            None => self.over(None, CallOutcome::Done),
        };
        Poll::Ready(step)
    }
}

/// From the call to the last item.
enum Source<'a> {
    Calling(BoxFuture<'a, Reply>),
    Items(CatchUnwind<AssertUnwindSafe<BoxStream<'static, HubResult>>>),
}

enum Event {
    Item(crate::protocol::Payload),
    /// There was no stream to begin with.
    NotCalled(HubError),
    BrokeOff(HubError),
}

impl Stream for Source<'_> {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            match &mut *self {
                Self::Calling(reply) => {
                    let error = match ready!(reply.poll_unpin(cx)) {
                        Reply::Stream(items) => {
                            *self = Self::Items(AssertUnwindSafe(items).catch_unwind());
                            continue;
                        }
                        Reply::Now(Err(error)) => error,
                        Reply::Now(Ok(_)) | Reply::Later(_) => HubError::internal(
                            "InvalidOperationException",
                            "the streaming method answered with a single value",
                        ),
                    };
                    return Poll::Ready(Some(Event::NotCalled(error)));
                }
                Self::Items(items) => {
                    let item = ready!(items.poll_next_unpin(cx));
                    return Poll::Ready(item.map(|item| match item {
                        Ok(Ok(item)) => Event::Item(item),
                        Ok(Err(error)) => Event::BrokeOff(error),
                        Err(_) => Event::BrokeOff(HubError::panicked()),
                    }));
                }
            }
        }
    }
}
