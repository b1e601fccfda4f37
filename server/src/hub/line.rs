//! What the hub needs of a connection, whatever carries it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use signalr::protocol::{Protocol, TransportKind};
use signalr::{Connection, SendError, WriteMark};
use tokio::time::Instant;

use super::stream::Stream;
use crate::auth::Principal;
use crate::delivery::{AckMode, UnknownMode};

/// The way to one client.
#[derive(Clone)]
pub(crate) enum Line {
    /// A SignalR connection, over any of its transports.
    Hub(Arc<Connection<Principal>>),
    /// Our own event stream.
    Stream(Arc<Stream>),
}

/// How messages are written for a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Framed invocations.
    Hub(Protocol),
    /// Events; their ids are cursors of this epoch.
    Events {
        /// The stream epoch.
        epoch: i64,
    },
}

/// What a line runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    WebSockets,
    ServerSentEvents,
    LongPolling,
    Stream,
}

impl Transport {
    pub(crate) const ALL: [Self; 4] = [
        Self::WebSockets,
        Self::ServerSentEvents,
        Self::LongPolling,
        Self::Stream,
    ];

    /// As metrics and attempts name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WebSockets => TransportKind::WebSockets.name(),
            Self::ServerSentEvents => TransportKind::ServerSentEvents.name(),
            Self::LongPolling => TransportKind::LongPolling.name(),
            Self::Stream => "Stream",
        }
    }

    /// As the admin console shows it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::WebSockets => "WebSocket",
            Self::ServerSentEvents => "SSE",
            Self::LongPolling => "Long poll",
            Self::Stream => "Stream",
        }
    }
}

impl Line {
    /// The public id.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Hub(conn) => conn.id(),
            Self::Stream(stream) => &stream.facts.id,
        }
    }

    /// Whose it is, with the newest credentials.
    pub(crate) fn principal(&self) -> Arc<Principal> {
        match self {
            Self::Hub(conn) => conn.principal(),
            Self::Stream(stream) => stream.facts.principal.clone(),
        }
    }

    pub(crate) fn transport(&self) -> Transport {
        match self {
            Self::Hub(conn) => match conn.transport() {
                TransportKind::WebSockets => Transport::WebSockets,
                TransportKind::ServerSentEvents => Transport::ServerSentEvents,
                TransportKind::LongPolling => Transport::LongPolling,
            },
            Self::Stream(_) => Transport::Stream,
        }
    }

    pub(crate) fn encoding(&self) -> Encoding {
        match self {
            Self::Hub(conn) => Encoding::Hub(conn.protocol()),
            Self::Stream(stream) => Encoding::Events {
                epoch: stream.facts.epoch,
            },
        }
    }

    /// The epoch of the numbers it was opened with, if it has one.
    pub(crate) fn epoch(&self) -> Option<i64> {
        match self {
            Self::Hub(_) => None,
            Self::Stream(stream) => Some(stream.facts.epoch),
        }
    }

    /// The device, as the URL names it.
    pub(crate) fn device(&self) -> Option<&str> {
        match self {
            Self::Hub(conn) => conn.query("device"),
            Self::Stream(stream) => stream.facts.device.as_deref(),
        }
    }

    /// Every item is to come as a `Notification`.
    pub(crate) fn as_notification(&self) -> bool {
        match self {
            Self::Hub(conn) => conn
                .query("methods")
                .is_some_and(|value| value.eq_ignore_ascii_case("notification")),
            Self::Stream(stream) => stream.facts.as_notification,
        }
    }

    /// How its device acknowledges, if its URL says so.
    pub(crate) fn ack_mode(&self) -> Result<Option<AckMode>, UnknownMode> {
        match self {
            Self::Hub(conn) => conn.query("acks").map(AckMode::parse).transpose(),
            Self::Stream(stream) => Ok(stream.facts.ack_mode),
        }
    }

    /// What the client calls itself.
    pub(crate) fn agent(&self) -> &str {
        let agent = match self {
            Self::Hub(conn) => conn.user_agent(),
            Self::Stream(stream) => stream.facts.agent.as_deref(),
        };
        agent.unwrap_or_default()
    }

    /// The peer.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Hub(conn) => conn.remote_addr(),
            Self::Stream(stream) => stream.facts.address,
        }
    }

    /// When its transport connected.
    pub(crate) fn connected_at(&self) -> Instant {
        match self {
            Self::Hub(conn) => conn.connected_at(),
            Self::Stream(stream) => stream.connected_at,
        }
    }

    /// When the client last showed life; on a stream, when it last took what was written.
    pub(crate) fn last_activity(&self) -> Instant {
        match self {
            Self::Hub(conn) => conn.last_activity(),
            Self::Stream(stream) => stream.last_activity(),
        }
    }

    /// Bytes not yet handed to the transport.
    pub(crate) fn queued_bytes(&self) -> usize {
        match self {
            Self::Hub(conn) => conn.queued_bytes(),
            Self::Stream(stream) => stream.queued_bytes(),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Hub(conn) => conn.is_closed(),
            Self::Stream(stream) => stream.is_closed(),
        }
    }

    /// Queues a message written in [`Self::encoding`], without loss. Over the bound it refuses, and the
    /// hub is told when there is room.
    pub(crate) fn try_send(&self, message: Bytes) -> Result<WriteMark, SendError> {
        match self {
            Self::Hub(conn) => conn.try_send(message),
            Self::Stream(stream) => stream.try_send(message),
        }
    }

    /// Queues a message in place of an unsent one of the same key.
    pub(crate) fn send_latest(&self, key: &Arc<str>, message: Bytes) -> Result<(), SendError> {
        match self {
            Self::Hub(conn) => conn.send_latest(key, message),
            Self::Stream(stream) => stream.send_latest(key, message),
        }
    }

    /// Asks for evidence of everything queued so far. Nobody can ask a stream.
    pub(crate) fn probe(&self) {
        if let Self::Hub(conn) = self {
            conn.probe();
        }
    }

    /// Ends it after what is queued was written. The first call wins.
    pub(crate) fn close(&self, reason: Option<&str>, allow_reconnect: bool) {
        match self {
            Self::Hub(conn) => conn.close(reason.map(str::to_owned), allow_reconnect),
            Self::Stream(stream) => stream.close(reason, allow_reconnect),
        }
    }
}
