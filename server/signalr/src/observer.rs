//! What a host may count. Numbers only: no payload, no token, no id passes through here.

use std::{fmt::Debug, time::Duration};

use crate::{Limit, protocol::TransportKind};

/// Told what happens on a hub's connections, for metrics. Set it in
/// [`HubOptions::observer`](crate::HubOptions::observer).
///
/// Called from the connections' tasks, some of it per message: must not block.
pub trait Observer: Debug + Send + Sync + 'static {
    /// A transport connected; its handshake is still to come.
    fn opened(&self, transport: TransportKind) {
        let _ = transport;
    }

    /// The end of a connection that was [`opened`](Self::opened) so long ago.
    fn closed(&self, transport: TransportKind, reason: CloseReason, after: Duration) {
        let _ = (transport, reason, after);
    }

    /// One whole message came in, framing included.
    fn received(&self, bytes: usize) {
        let _ = bytes;
    }

    /// So many messages were handed to a transport at once, this large in total.
    fn sent(&self, messages: usize, bytes: usize) {
        let _ = (messages, bytes);
    }

    /// A call ended. `target` is a name the hub knows, spelled as the client did.
    fn called(&self, target: &str, outcome: CallOutcome, took: Duration) {
        let _ = (target, outcome, took);
    }

    /// A client met one of the bounds in [`HubOptions`](crate::HubOptions). May be called while a
    /// group is locked: must not send from here.
    fn limited(&self, limit: Limit) {
        let _ = limit;
    }
}

/// Watches nothing.
impl Observer for () {}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// It never got through its handshake.
    Handshake,
    /// The hub did not want it.
    Refused,
    /// The server closed it: by the hub's wish, or because it leaves.
    Server,
    /// The client said goodbye.
    Client,
    /// The transport ended without a goodbye.
    Lost,
    /// The client was silent for longer than the client timeout.
    Silent,
    /// The client sent what cannot be read.
    Unreadable,
    /// Hub code panicked where no call could answer for it.
    Panic,
}

impl CloseReason {
    /// A stable name for metrics, in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Refused => "refused",
            Self::Server => "server",
            Self::Client => "client",
            Self::Lost => "lost",
            Self::Silent => "silent",
            Self::Unreadable => "unreadable",
            Self::Panic => "panic",
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallOutcome {
    /// With a result, or a stream to its end.
    Done,
    /// With an error.
    Failed,
    /// The client cancelled it.
    Cancelled,
}

impl CallOutcome {
    /// A stable name for metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}
