//! One long poll: waits for something to send, and stands for the client while it is open.

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::{Connection, WriteMark, endpoint::Endpoint, slot::Slot};

/// A poll in progress. When it ends, however it does, the gap begins.
pub(super) struct OpenPoll<'a, P> {
    slot: &'a Slot<P>,
    number: u64,
    /// Among the consumers of the connection's queue.
    turn: u64,
}

impl<'a, P> OpenPoll<'a, P> {
    pub(super) fn begin(slot: &'a Slot<P>, connection: &Connection<P>) -> Self {
        let number = slot.begin_poll();
        let turn = connection.outbound.succeed();
        Self { slot, number, turn }
    }

    /// All that is pending, `None` when the connection is over or another poll took over.
    pub(super) async fn take<E: Endpoint<Principal = P>>(
        &self,
        endpoint: &E,
        connection: &Arc<Connection<P>>,
    ) -> Option<(Vec<u8>, WriteMark)> {
        let mut body = Vec::new();
        let mut mark = WriteMark::default();
        poll_fn(|cx| {
            loop {
                match connection.poll_take_as(self.turn, cx) {
                    Poll::Ready(Ok(Some(batch))) => {
                        for message in &batch.messages {
                            body.extend_from_slice(message);
                        }
                        mark = batch.mark;
                        if batch.writable {
                            endpoint.writable(connection);
                        }
                    }
                    // Once something was taken, this poll carries it, whoever comes after.
                    _ if !body.is_empty() => {
                        return Poll::Ready(Some((std::mem::take(&mut body), mark)));
                    }
                    Poll::Ready(Err(_superseded)) => return Poll::Ready(None),
                    Poll::Ready(Ok(None)) => {
                        self.slot.polls_are_over();
                        return Poll::Ready(None);
                    }
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }
}

impl<P> Drop for OpenPoll<'_, P> {
    fn drop(&mut self) {
        self.slot.end_poll(self.number);
    }
}

/// An answer whose messages exist nowhere else any more. If the HTTP server drops it unread, they are
/// lost, and so is the connection: its client must not believe that it got everything.
pub(super) struct PollBody<P: Send + Sync + 'static> {
    slot: Arc<Slot<P>>,
    connection: Arc<Connection<P>>,
    /// `None` once handed over.
    body: Option<Bytes>,
    mark: WriteMark,
}

impl<P: Send + Sync + 'static> PollBody<P> {
    pub(super) fn body(
        slot: &Arc<Slot<P>>,
        connection: &Arc<Connection<P>>,
        body: Vec<u8>,
        mark: WriteMark,
    ) -> Body {
        Body::new(Self {
            slot: Arc::clone(slot),
            connection: Arc::clone(connection),
            body: Some(body.into()),
            mark,
        })
    }
}

impl<P: Send + Sync + 'static> HttpBody for PollBody<P> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let body = self.body.take();
        if body.is_some() {
            self.slot.set_delivered(self.mark);
        }
        Poll::Ready(body.map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.body.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
    }
}

impl<P: Send + Sync + 'static> Drop for PollBody<P> {
    fn drop(&mut self) {
        if self.body.is_some() {
            self.connection
                .peer_lost(Some("A poll was cut while it was answered."));
        }
    }
}
