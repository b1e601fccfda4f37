//! A connection's inbox as frames.

use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
};

use bytes::Bytes;

use crate::{
    Connection,
    protocol::{FrameTooLarge, Frames, Protocol},
};

pub(super) struct Input<'a, P> {
    connection: &'a Connection<P>,
    frames: Frames,
    limit: usize,
}

impl<'a, P> Input<'a, P> {
    pub(super) fn new(connection: &'a Connection<P>, limit: usize) -> Self {
        Self {
            connection,
            frames: Frames::new(limit),
            limit,
        }
    }

    /// What follows the handshake is framed as `protocol` has it.
    pub(super) fn speak(&mut self, protocol: Protocol) {
        self.frames.speak(protocol);
    }

    /// The next frame, `None` at the end. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, FrameTooLarge> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Ready once something follows the frame that was read last.
    pub(super) fn poll_any(&self, cx: &Context<'_>) -> Poll<()> {
        if self.frames.is_mid_message() {
            return Poll::Ready(());
        }
        self.connection.inbox.poll_any(cx)
    }

    pub(super) fn poll_next(
        &mut self,
        cx: &Context<'_>,
    ) -> Poll<Result<Option<Bytes>, FrameTooLarge>> {
        loop {
            if self.connection.is_finished() {
                return Poll::Ready(Ok(None));
            }
            if let Some(frame) = self.frames.next_frame()? {
                return Poll::Ready(Ok(Some(frame)));
            }
            match ready!(self.connection.inbox.poll_next(cx)) {
                // A new socket: what was unfinished comes again, whole.
                Some(chunk) if chunk.is_empty() => {
                    self.frames = Frames::new(self.limit);
                    self.frames.speak(self.connection.protocol());
                    if let Some(resume) = &self.connection.resume {
                        resume.expect_sequence();
                    }
                }
                Some(chunk) => self.frames.push(chunk),
                None => return Poll::Ready(Ok(None)),
            }
        }
    }
}
