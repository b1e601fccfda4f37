//! The three transports behind one face.

use std::rc::Weak;

use signalr::protocol::TransportKind;

use super::client::{Hub, post_to};
use super::event_source::EventStream;
use super::long_poll::LongPoll;
use super::websocket::Socket;
use crate::live::hub::engine::{Attempt, Event, Failure};

/// An open or opening transport. Dropping it closes it, and nothing of it is heard any more.
pub(super) enum Transport {
    Socket(Socket),
    EventStream(EventStream),
    LongPoll(LongPoll),
}

impl Transport {
    /// Begins to open. `None` when the browser refuses at once; the wire was told then.
    pub(super) fn open(kind: TransportKind, url: &str, token: &str, wire: Wire) -> Option<Self> {
        let failed = wire.clone();
        let transport = match kind {
            TransportKind::WebSockets => Socket::open(url, token, wire).map(Self::Socket),
            TransportKind::ServerSentEvents => {
                EventStream::open(url, token, wire).map(Self::EventStream)
            }
            TransportKind::LongPolling => Some(Self::LongPoll(LongPoll::open(url, token, wire))),
        };
        if transport.is_none() {
            failed.closed(Failure::Transient);
        }
        transport
    }

    pub(super) fn send(&self, text: &str) {
        match self {
            Self::Socket(socket) => socket.send(text),
            Self::EventStream(stream) => stream.send(text),
            Self::LongPoll(poll) => poll.send(text),
        }
    }
}

/// Where a transport reports to: the client, under the number of its attempt.
#[derive(Clone)]
pub(super) struct Wire {
    hub: Weak<Hub>,
    attempt: Attempt,
}

impl Wire {
    pub(super) fn new(hub: Weak<Hub>, attempt: Attempt) -> Self {
        Self { hub, attempt }
    }

    pub(super) fn opened(&self) {
        post_to(&self.hub, Event::Opened(self.attempt));
    }

    pub(super) fn received(&self, text: String) {
        post_to(&self.hub, Event::Received(self.attempt, text));
    }

    pub(super) fn closed(&self, why: Failure) {
        post_to(&self.hub, Event::Closed(self.attempt, why));
    }
}
