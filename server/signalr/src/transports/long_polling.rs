//! Plain `GET`: each answer carries all that is pending. `DELETE` ends the connection.
//!
//! The first poll is answered empty at once and starts the session. Later ones wait; a second one
//! takes over from the first. A client that does not poll for a while is gone.

use std::{future::poll_fn, sync::Arc, task::Poll};

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    Connection, Hub,
    answer::{Refusal, poll_answer, text_answer},
    connection::Facts,
    protocol::TransportKind,
    router::Visit,
    server::Shared,
    session,
    slot::{Bind, Gap, Slot},
};

const KIND: TransportKind = TransportKind::LongPolling;

pub(crate) async fn poll<H: Hub>(visit: Visit<H>) -> Result<Response, Refusal> {
    visit.require(KIND)?;
    let slot = visit.slot()?;
    if slot.connection().is_none() && !visit.server.accepts() {
        return Err(Refusal::Leaving);
    }
    let Visit {
        server,
        principal,
        parts,
    } = visit;
    let options = &server.options;
    let bind = slot.bind(KIND, || {
        let facts = Facts::of(&parts, &options.kept_headers, &slot.facts);
        Connection::new(
            Arc::clone(&slot.id),
            principal.clone(),
            KIND,
            facts,
            options,
        )
    });
    match bind {
        Bind::OtherTransport => Err(Refusal::OtherTransport),
        Bind::Fresh(connection) => {
            slot.gap.send_replace(Gap::Since(Instant::now()));
            let tracker = server.tracker.clone();
            tracker.spawn(run(server, slot, connection));
            Ok(poll_answer(Bytes::new()))
        }
        Bind::Already(connection) => {
            // The client came again, so it has read the previous answer.
            if let Some(through) = slot.delivered() {
                server.hub.evidence(&connection, through);
            }
            server.hub.seen_again(&connection, &principal);
            connection.touch();
            Ok(wait(&server, &slot, &connection).await)
        }
    }
}

/// The connection's task: the session, and a watch over the gaps between polls.
async fn run<H: Hub>(
    server: Arc<Shared<H>>,
    slot: Arc<Slot<H::Principal>>,
    connection: Arc<Connection<H::Principal>>,
) {
    let watch = async {
        let mut gap = slot.gap.subscribe();
        loop {
            let now = *gap.borrow_and_update();
            match now {
                Gap::Over => return,
                Gap::Polling => drop(gap.changed().await),
                Gap::Since(start) => {
                    let end = start + server.options.poll_gap_timeout;
                    if timeout_at(end, gap.changed()).await.is_err() {
                        return connection.peer_lost(Some("The client stopped polling."));
                    }
                }
            }
        }
    };
    // The place is kept until the client has fetched the last message or stopped asking.
    tokio::join!(session::run(&server, &connection), watch);
    server.registry.forget(&slot.token);
}

/// A poll that is not the first.
async fn wait<H: Hub>(
    server: &Shared<H>,
    slot: &Slot<H::Principal>,
    connection: &Arc<Connection<H::Principal>>,
) -> Response {
    let open = OpenPoll::begin(slot, connection);
    let answer = timeout(server.options.poll_timeout, open.take(server, connection)).await;
    match answer {
        Ok(Some(body)) => poll_answer(body),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(_) => poll_answer(Bytes::new()),
    }
}

/// A poll in progress. When it ends, however it does, the gap begins.
struct OpenPoll<'a, P> {
    slot: &'a Slot<P>,
    number: u64,
}

impl<'a, P> OpenPoll<'a, P> {
    fn begin(slot: &'a Slot<P>, connection: &Connection<P>) -> Self {
        let number = slot.next_poll();
        slot.gap.send_if_modified(|gap| {
            let over = *gap == Gap::Over;
            if !over {
                *gap = Gap::Polling;
            }
            !over
        });
        connection.outbound.disturb();
        Self { slot, number }
    }

    /// All that is pending, `None` when the connection is over or another poll took over.
    async fn take<H: Hub<Principal = P>>(
        &self,
        server: &Shared<H>,
        connection: &Arc<Connection<P>>,
    ) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        poll_fn(|cx| {
            loop {
                if !self.slot.is_current_poll(self.number) {
                    return Poll::Ready(None);
                }
                match connection.outbound.poll_take(cx) {
                    Poll::Ready(Some(batch)) => {
                        for message in &batch.messages {
                            body.extend_from_slice(message);
                        }
                        self.slot.set_delivered(batch.mark);
                        if batch.writable {
                            server.hub.writable(connection);
                        }
                    }
                    _ if !body.is_empty() => return Poll::Ready(Some(std::mem::take(&mut body))),
                    Poll::Ready(None) => {
                        self.slot.gap.send_replace(Gap::Over);
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
        // Asked under the watch's lock: a poll that takes over sets `Polling` after this or makes
        // the condition false before it.
        self.slot.gap.send_if_modified(|gap| {
            let mine = *gap == Gap::Polling && self.slot.is_current_poll(self.number);
            if mine {
                *gap = Gap::Since(Instant::now());
            }
            mine
        });
    }
}

pub(crate) fn delete<H: Hub>(visit: &Visit<H>) -> Result<Response, Refusal> {
    let slot = visit.slot()?;
    let connection = slot
        .connection()
        .filter(|connection| connection.transport() == KIND);
    let connection = connection.ok_or(Refusal::NotLongPolling)?;
    connection.peer_lost(None);
    slot.gap.send_replace(Gap::Over);
    visit.server.registry.forget(&slot.token);
    Ok(text_answer(StatusCode::ACCEPTED, ""))
}
