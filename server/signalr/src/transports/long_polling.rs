//! Plain `GET`: each answer carries all that is pending. `DELETE` ends the connection.
//!
//! The first poll is answered empty at once and starts the session. Later ones wait; a second one
//! takes over from the first. A client that does not poll for a while is gone.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use tokio::time::{timeout, timeout_at};

use super::poll::{OpenPoll, PollBody};
use crate::{
    Connection,
    answer::{Refusal, poll_answer, text_answer},
    endpoint::Endpoint,
    protocol::TransportKind,
    server::Shared,
    slot::{Bind, Gap, Slot},
    visit::{Seats, Visit},
};

const KIND: TransportKind = TransportKind::LongPolling;

pub(crate) async fn poll<E: Endpoint>(visit: Visit<E>) -> Result<Response, Refusal> {
    let slot = visit.slot().await?;
    visit.require(KIND)?;
    if let Some(connection) = slot.connection() {
        return again(&visit, &slot, &connection).await;
    }
    if !visit.server.accepts() {
        return Err(Refusal::Leaving);
    }
    let seats = visit.seats_of(&slot)?;
    let bind = slot.bind(KIND, || {
        visit.connection(Arc::clone(&slot.id), KIND, &slot.facts, false)
    });
    match bind {
        Bind::OtherTransport => Err(Refusal::OtherTransport),
        Bind::Expired => Err(Refusal::UnknownId),
        // Two first polls at once: this one came second.
        Bind::Already(connection) => {
            drop(seats);
            again(&visit, &slot, &connection).await
        }
        Bind::Fresh(connection) => {
            let seats = seats.keep();
            let server = visit.server;
            server.places.bound();
            let tracker = server.tracker.clone();
            tracker.spawn(run(server, slot, connection, seats));
            Ok(poll_answer(Bytes::new()))
        }
    }
}

/// The connection's task: the session, and a watch over the gaps between polls.
async fn run<E: Endpoint>(
    server: Arc<Shared<E>>,
    slot: Arc<Slot<E::Principal>>,
    connection: Arc<Connection<E::Principal>>,
    _seats: Seats,
) {
    let watch = async {
        let Some(mut gap) = slot.watch_gap() else {
            return;
        };
        loop {
            let now = *gap.borrow_and_update();
            match now {
                Gap::Over => return,
                Gap::Polling => drop(gap.changed().await),
                Gap::Since(start) => {
                    // A server that stops takes no new requests: most clients cannot come any more.
                    let stopping = server.stopping.is_cancelled();
                    let patience = if stopping {
                        server
                            .options
                            .close_timeout
                            .min(server.options.poll_gap_timeout)
                    } else {
                        server.options.poll_gap_timeout
                    };
                    tokio::select! {
                        came = timeout_at(start + patience, gap.changed()) => if came.is_err() {
                            return connection.peer_lost(Some("The client stopped polling."));
                        },
                        () = server.stopping.cancelled(), if !stopping => {}
                    }
                }
            }
        }
    };
    // The place is kept until the client has fetched the last message or stopped asking.
    let _place = server.places.occupy(Arc::clone(&slot.token));
    tokio::join!(server.serve(&connection), watch);
}

/// A poll that is not the first.
async fn again<E: Endpoint>(
    visit: &Visit<E>,
    slot: &Arc<Slot<E::Principal>>,
    connection: &Arc<Connection<E::Principal>>,
) -> Result<Response, Refusal> {
    if connection.transport() != KIND {
        return Err(Refusal::OtherTransport);
    }
    // The client came again, so it has read the previous answer.
    if let Some(through) = slot.delivered() {
        visit.server.hub.evidence(connection, through);
    }
    visit.comes_again(connection);
    Ok(wait(&visit.server, slot, connection).await)
}

async fn wait<E: Endpoint>(
    server: &Shared<E>,
    slot: &Arc<Slot<E::Principal>>,
    connection: &Arc<Connection<E::Principal>>,
) -> Response {
    let open = OpenPoll::begin(slot, connection);
    let answer = timeout(
        server.options.poll_timeout,
        open.take(&*server.hub, connection),
    )
    .await;
    match answer {
        Ok(Some((body, mark))) => poll_answer(PollBody::body(slot, connection, body, mark)),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(_) => poll_answer(Bytes::new()),
    }
}

pub(crate) async fn delete<E: Endpoint>(visit: &Visit<E>) -> Result<Response, Refusal> {
    let slot = visit.slot().await?;
    let connection = slot
        .connection()
        .filter(|connection| connection.transport() == KIND);
    let connection = connection.ok_or(Refusal::NotLongPolling)?;
    connection.peer_lost(None);
    slot.polls_are_over();
    visit.server.places.forget(&slot.token);
    Ok(text_answer(StatusCode::ACCEPTED, ""))
}
