//! Putting messages into a connection's queue, and what happens when it is full.

use std::sync::Arc;

use bytes::Bytes;

use super::Connection;
use crate::{Limit, SlowClient, protocol::TransportKind};

/// How many lossless messages were put into a connection's queue, up to one of them: ascending.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteMark(pub u64);

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Over the bound. [`Hub::writable`](crate::Hub::writable) tells when there is room.
    #[error("the connection's queue is full")]
    Full,
    /// The connection has ended.
    #[error("the connection is closed")]
    Closed,
    /// An argument could not be encoded: nobody got anything.
    #[error("an argument cannot be encoded")]
    Encoding,
}

impl<P> Connection<P> {
    /// Queues one whole framed message in the connection's [`protocol`](Self::protocol), in order and
    /// without loss. The bytes are shared: see [`Broadcast`](crate::protocol::Broadcast).
    ///
    /// Refuses when the queue holds something and would grow over its bound; with
    /// [`SlowClient::Close`] the connection is closed then.
    pub fn try_send(&self, message: Bytes) -> Result<WriteMark, SendError> {
        self.checked(self.outbound.try_put(message))
    }

    /// As [`try_send`](Self::try_send), but with [`SlowClient::Wait`] it waits for room. A sender
    /// that awaits each send keeps its order; two senders that wait have none between them.
    pub async fn send_frame(&self, message: Bytes) -> Result<WriteMark, SendError> {
        if self.slow_client != SlowClient::Wait {
            return self.try_send(message);
        }
        loop {
            // Registered before trying, so that room made in between is not missed.
            let mut drained = std::pin::pin!(self.outbound.drained());
            drained.as_mut().enable();
            match self.try_send(message.clone()) {
                Err(SendError::Full) => drained.await,
                result => return result,
            }
        }
    }

    /// Counts a refusal, and closes if that is the policy.
    fn checked<T>(&self, result: Result<T, SendError>) -> Result<T, SendError> {
        if matches!(result, Err(SendError::Full)) {
            self.limits.hit(Limit::QueuedBytes);
            if self.slow_client == SlowClient::Close {
                let error = "Connection closed with an error. The client reads too slowly.";
                self.close(Some(error.to_owned()), true);
                return Err(SendError::Closed);
            }
        }
        result
    }

    /// Queues a message in place of an unsent earlier one of the same key. Goes out after what is
    /// queued without loss, and counts towards the same bound.
    pub fn send_latest(&self, key: &Arc<str>, message: Bytes) -> Result<(), SendError> {
        self.checked(self.outbound.put_latest(key, message, |_, newer| newer))
    }

    /// As [`Self::send_latest`]; `merge(unsent, message)` is what goes out in place of both. It is
    /// called while the queue is locked: it must be quick, and may not touch this connection.
    pub fn send_merged(
        &self,
        key: &Arc<str>,
        message: Bytes,
        merge: impl FnOnce(&Bytes, Bytes) -> Bytes,
    ) -> Result<(), SendError> {
        self.checked(self.outbound.put_latest(key, message, merge))
    }

    /// Asks for [`Hub::evidence`](crate::Hub::evidence) of everything queued so far: a WebSocket ping
    /// after it. Other transports have no way to ask.
    pub fn probe(&self) {
        if self.transport == TransportKind::WebSockets {
            self.outbound.probe();
        }
    }
}
