//! `GET` with `Accept: text/event-stream`: one endless response. When it ends, the connection ends.

use std::{sync::Arc, task::Poll};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, PRAGMA},
};

use super::stall::stalled;
use crate::{
    Connection, Limit, WriteMark,
    answer::Refusal,
    endpoint::Endpoint,
    protocol::TransportKind,
    server::Shared,
    slot::{Bind, Slot},
    visit::{Seats, Visit},
};

const KIND: TransportKind = TransportKind::ServerSentEvents;

pub(crate) async fn open<E: Endpoint>(visit: Visit<E>) -> Result<Response, Refusal> {
    let slot = visit.slot().await?;
    visit.require(KIND)?;
    if !visit.server.accepts() {
        return Err(Refusal::Leaving);
    }
    if slot
        .connection()
        .is_some_and(|open| open.transport() == KIND)
    {
        return Err(Refusal::AlreadyActive);
    }
    let seats = visit.seats_of(&slot)?;
    let bind = slot.bind(KIND, || {
        visit.connection(Arc::clone(&slot.id), KIND, &slot.facts, false)
    });
    let connection = match bind {
        Bind::Fresh(connection) => connection,
        Bind::Already(_) => return Err(Refusal::AlreadyActive),
        Bind::OtherTransport => return Err(Refusal::OtherTransport),
        Bind::Expired => return Err(Refusal::UnknownId),
    };
    let seats = seats.keep();
    let server = visit.server;
    server.places.bound();
    let events = Events {
        endpoint: Arc::clone(&server.hub),
        slot: Arc::clone(&slot),
        connection: Arc::clone(&connection),
        greeted: false,
        passed_on: WriteMark::default(),
    };
    let tracker = server.tracker.clone();
    tracker.spawn(run(server, slot, connection, seats));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache,no-store")),
        (PRAGMA, HeaderValue::from_static("no-cache")),
        (CONTENT_ENCODING, HeaderValue::from_static("identity")),
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    Ok((headers, events.into_body()).into_response())
}

/// The connection's task: the session, and a watch over the way down.
async fn run<E: Endpoint>(
    server: Arc<Shared<E>>,
    slot: Arc<Slot<E::Principal>>,
    connection: Arc<Connection<E::Principal>>,
    _seats: Seats,
) {
    let _place = server.places.occupy(Arc::clone(&slot.token));
    let mut session = std::pin::pin!(server.serve(&connection));
    tokio::select! {
        () = &mut session => {}
        () = stalled(&connection.outbound, server.options.send_timeout) => {
            server.limits.hit(Limit::SendTimeout);
            connection.peer_lost(Some("The client did not read for too long."));
            session.await;
        }
    }
}

/// The response's body. Dropped when the client is gone, and with it the connection.
struct Events<E: Endpoint> {
    endpoint: Arc<E>,
    slot: Arc<Slot<E::Principal>>,
    connection: Arc<Connection<E::Principal>>,
    /// The first comment line is out.
    greeted: bool,
    /// Of the piece last handed out.
    passed_on: WriteMark,
}

impl<E: Endpoint> Events<E> {
    fn into_body(mut self) -> Body {
        Body::from_stream(stream::poll_fn(move |cx| {
            if !self.greeted {
                self.greeted = true;
                // Firefox reports the stream as open only after its first bytes.
                return Poll::Ready(Some(Ok::<_, std::convert::Infallible>(Bytes::from_static(
                    b":\r\n",
                ))));
            }
            // Asked again: what was handed out before has been passed on.
            self.slot.set_delivered(self.passed_on);
            self.connection.poll_take(cx).map(|batch| {
                let batch = batch?;
                self.passed_on = batch.mark;
                if batch.writable {
                    self.endpoint.writable(&self.connection);
                }
                let mut out = Vec::new();
                for message in &batch.messages {
                    write_event(&mut out, message);
                }
                Some(Ok(out.into()))
            })
        }))
    }
}

impl<E: Endpoint> Drop for Events<E> {
    fn drop(&mut self) {
        let finished = self.connection.is_closed();
        self.connection
            .peer_lost((!finished).then_some("The event stream was cut."));
    }
}

/// One unnamed event: a `data` line for each line of the message.
fn write_event(out: &mut Vec<u8>, message: &[u8]) {
    for line in message.split(|byte| *byte == b'\n') {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_split_at_line_ends() {
        let mut out = Vec::new();
        write_event(&mut out, b"{}\x1e");
        write_event(&mut out, b"{\r\n\n}\x1e");
        assert_eq!(
            out,
            b"data: {}\x1e\r\n\r\ndata: {\r\ndata: \r\ndata: }\x1e\r\n\r\n"
        );
    }
}
