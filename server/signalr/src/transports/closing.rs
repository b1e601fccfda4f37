//! How a WebSocket ends, and with it its connection.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{
        CloseFrame,
        frame::{Utf8Bytes, coding::CloseCode},
    },
};

use super::pump::Pump;
use crate::endpoint::Endpoint;

/// A close frame that says 1000, unmasked.
const CLOSE_1000: [u8; 4] = [0x88, 0x02, 0x03, 0xe8];

/// Why nothing more is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The server has closed and everything is written.
    Finished,
    /// The client sent a close frame.
    ClosedByPeer,
    /// The socket broke.
    Lost,
    /// The client did not take what was written.
    Stalled,
    /// The client did not confirm what was written, so that nothing more could be.
    Unconfirmed,
    /// A message was too large for the socket.
    Unsendable,
}

impl End {
    /// Whether a client may continue on another socket, if that was agreed on.
    pub(super) fn is_loss(self) -> bool {
        matches!(self, Self::Lost | Self::Stalled | Self::Unconfirmed)
    }

    /// Why the client is gone, in words.
    pub(super) fn reason(self) -> Option<&'static str> {
        match self {
            Self::Finished | Self::ClosedByPeer => None,
            Self::Lost => Some("The WebSocket was cut."),
            Self::Stalled => Some("The client did not read for too long."),
            Self::Unconfirmed => Some("The client did not confirm what it was sent."),
            Self::Unsendable => Some("A message was too large to send."),
        }
    }
}

impl<E: Endpoint, S: AsyncRead + AsyncWrite + Unpin> Pump<'_, E, S> {
    /// The end of the connection, not only of the socket.
    pub(super) async fn conclude(self, end: End) {
        let (limit, connection) = (self.server.options.close_timeout, self.connection);
        if end != End::Finished {
            // Ends the session, but first what was sent before is handled.
            connection.peer_lost(end.reason());
        }
        match end {
            End::Finished => self.close(CloseCode::Normal, limit).await,
            End::Unsendable => self.close(CloseCode::Error, limit).await,
            End::ClosedByPeer => self.answer_close(limit).await,
            End::Lost | End::Stalled | End::Unconfirmed => {}
        }
    }

    /// The server's own closing handshake.
    async fn close(mut self, code: CloseCode, limit: Duration) {
        let frame = CloseFrame {
            code,
            reason: Utf8Bytes::default(),
        };
        let goodbye = async {
            if self.socket.send(Message::Close(Some(frame))).await.is_err() {
                return;
            }
            while let Some(Ok(_)) = self.socket.next().await {}
        };
        let _ = timeout(limit, goodbye).await;
    }

    /// Answers the client's close frame with 1000. The library would repeat the client's code, and
    /// if there was none, browsers would see an unclean close.
    async fn answer_close(mut self, limit: Duration) {
        let whole = self.staged.is_empty() && self.ping.is_none() && !self.unflushed;
        let answer = async {
            if whole {
                // Nothing of an earlier frame is left in the library, so this cannot split one.
                let mut stream = self.socket.into_inner();
                stream.write_all(&CLOSE_1000).await?;
                stream.shutdown().await
            } else {
                self.socket.flush().await.map_err(std::io::Error::other)
            }
        };
        let _ = timeout(limit, answer).await;
    }
}
