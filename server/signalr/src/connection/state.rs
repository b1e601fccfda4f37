//! What transports and sessions tell each other through a connection: its end, its protocol, its
//! running calls.

use std::{
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
};

use bytes::Bytes;

use super::{Batch, Connection, Resume, outbound::Superseded};
use crate::{
    HubOptions, Limit,
    limits::Limits,
    protocol::{Protocol, TransferFormat},
};

impl<P> Connection<P> {
    /// The end on the server's side: one last message, nothing more is read.
    pub(crate) fn finish(&self, last: Option<Bytes>) {
        self.outbound.close(last);
        self.finished.store(true, Ordering::Release);
        self.inbox.discard();
        self.ended.cancel();
    }

    /// The client closed in good order: what it sent before is still handled.
    pub(crate) fn peer_closed(&self) {
        self.inbox.end();
        self.ended.cancel();
    }

    /// The client is gone: what it sent before is still handled, nothing more can be written.
    pub(crate) fn peer_lost(&self, reason: Option<&'static str>) {
        self.lost
            .lock()
            .get_or_insert_with(|| reason.unwrap_or_default());
        self.outbound.discard();
        self.peer_closed();
    }

    /// The end because the host's code panicked.
    pub(crate) fn break_off(&self) {
        tracing::error!("hub code panicked");
        self.broken.store(true, Ordering::Release);
        self.close(Some("Connection closed with an error.".to_owned()), true);
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    /// Why the transport lost the client.
    pub(crate) fn lost(&self) -> Option<&'static str> {
        self.lost.lock().filter(|reason| !reason.is_empty())
    }

    pub(crate) fn speak(&self, protocol: Protocol) {
        self.protocol.get_or_init(|| protocol);
    }

    /// After the answer to a good handshake: a client that promised version 2 resumes.
    pub(crate) fn shaken(&self, version: u32, options: &HubOptions) {
        if let Some(resume) = self.resume.as_ref().filter(|_| version >= 2) {
            resume.turn_on();
            self.outbound
                .keep_unacked(self.protocol(), options.resume_buffer_bytes);
        }
    }

    /// What its transport writes next, see [`Outbound::poll_take`](super::Outbound::poll_take).
    pub(crate) fn poll_take(&self, cx: &Context<'_>) -> Poll<Option<Batch>> {
        let taken = self.outbound.poll_take(cx);
        if let Poll::Ready(Some(batch)) = &taken {
            self.count(batch);
        }
        taken
    }

    /// As above, see [`Outbound::poll_take_as`](super::Outbound::poll_take_as).
    pub(crate) fn poll_take_as(
        &self,
        number: u64,
        cx: &Context<'_>,
    ) -> Poll<Result<Option<Batch>, Superseded>> {
        let taken = self.outbound.poll_take_as(number, cx);
        if let Poll::Ready(Ok(Some(batch))) = &taken {
            self.count(batch);
        }
        taken
    }

    fn count(&self, batch: &Batch) {
        if !batch.messages.is_empty() {
            let bytes = batch.messages.iter().map(Bytes::len).sum();
            self.observer.sent(batch.messages.len(), bytes);
        }
        if batch.gave_up {
            self.limits.hit(Limit::ResumeBuffer);
        }
    }

    /// What a WebSocket's frames are.
    pub(crate) fn transfer_format(&self) -> TransferFormat {
        match self.protocol.get() {
            Some(protocol) => protocol.transfer_format(),
            None if self.binary.load(Ordering::Relaxed) => TransferFormat::Binary,
            None => TransferFormat::Text,
        }
    }

    /// It is closed without words from now on.
    pub(crate) fn set_raw(&self) {
        self.raw.store(true, Ordering::Relaxed);
    }

    pub(crate) fn set_binary(&self, binary: bool) {
        self.binary.store(binary, Ordering::Relaxed);
    }

    /// Stateful reconnect, if the connection can still be continued.
    pub(crate) fn resumable(&self) -> Option<&Resume> {
        let resume = self.resume.as_deref().filter(|resume| resume.is_on())?;
        let over = self.is_closed() || self.ended.is_cancelled() || self.outbound.gave_up();
        (!over).then_some(resume)
    }

    /// Its client has lost its socket and may come back: silence is no news.
    pub(crate) fn is_away(&self) -> bool {
        self.resume.as_ref().is_some_and(|resume| resume.is_away())
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Calls are not started any more; those that run go on.
    pub(crate) fn no_more_calls(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    /// Counts a call until the guard is dropped, which must be after its answer was queued.
    pub(crate) fn begin_call(self: &Arc<Self>) -> Running<P> {
        self.calls.fetch_add(1, Ordering::AcqRel);
        Running(Arc::clone(self))
    }

    /// Calls of the client that are not answered yet, streams included.
    pub fn running_calls(&self) -> usize {
        self.calls.load(Ordering::Acquire)
    }

    pub(crate) fn within_rate(&self) -> bool {
        self.rate.as_ref().is_none_or(|rate| rate.lock().take())
    }

    pub(crate) fn touch(&self) {
        let since = self.connected_at.elapsed().as_millis();
        self.last_activity
            .store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// A call that is being answered.
#[derive(Debug)]
pub(crate) struct Running<P>(Arc<Connection<P>>);

impl<P> Drop for Running<P> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::AcqRel);
    }
}
