//! `POST`: the way up for transports that only carry the way down.
//!
//! Bodies of one connection form one byte stream, so POSTs wait for each other, and only so many. A
//! body is passed on piece by piece and waits while the inbox is full. The client has a bounded time
//! to send it; the time the server makes it wait is not counted.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream},
    response::Response,
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::StatusCode;
use tokio::time::{Instant, timeout};

use crate::{
    Connection, HubOptions, Limit,
    answer::{Refusal, text_answer},
    endpoint::Endpoint,
    protocol::TransportKind,
    server::Shared,
    slot::{Keep, Slot},
    visit::Visit,
};

pub(crate) async fn send<E: Endpoint>(visit: Visit<E>, body: Body) -> Result<Response, Refusal> {
    let slot = visit.slot().await?;
    let Some(connection) = slot.connection() else {
        return early(&visit.server, &slot, body).await;
    };
    if connection.transport() == TransportKind::WebSockets {
        return Err(Refusal::NotOverWebSocket);
    }
    let server = &visit.server;
    visit.comes_again(&connection);
    if connection.transport() == TransportKind::ServerSentEvents
        && let Some(through) = slot.delivered()
    {
        server.hub.evidence(&connection, through);
    }
    let _queued = Queued::enter(server, &slot.senders)?;
    let _turn = slot.sending.lock().await;
    let mut body = Upload::new(body, &server.options);
    let mut half = Half {
        connection: &connection,
        begun: false,
    };
    loop {
        let chunk = match body.next().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => {
                half.begun = false;
                return Ok(text_answer(StatusCode::OK, ""));
            }
            Err(refusal) => return Err(counted(server, refusal)),
        };
        let room = poll_fn(|cx| connection.inbox.poll_room(cx)).await;
        room.map_err(|_| Refusal::UnknownId)?;
        connection.inbox.push(chunk);
        half.begun = true;
    }
}

/// Most that is kept of what comes before the first `GET`: a handshake and a small call. Ten thousand
/// reservations hold 40 MB so.
const EARLY: usize = 4096;

/// A `POST` before the first `GET`. The official server takes it, and signalrcore (Python) sends its
/// handshake so before it polls. It is passed on whole, for there is no connection yet to close amid a
/// message.
async fn early<E: Endpoint>(
    server: &Shared<E>,
    slot: &Slot<E::Principal>,
    body: Body,
) -> Result<Response, Refusal> {
    let _queued = Queued::enter(server, &slot.senders)?;
    let _turn = slot.sending.lock().await;
    let mut body = Upload::new(body, &server.options);
    body.bytes_left = body.bytes_left.min(EARLY);
    let mut whole = BytesMut::new();
    while let Some(chunk) = body.next().await.map_err(|why| counted(server, why))? {
        whole.extend_from_slice(&chunk);
    }
    match slot.keep(whole.freeze(), EARLY) {
        Keep::Kept => {}
        Keep::Full => return Err(counted(server, Refusal::BodyTooLarge)),
        Keep::Expired => return Err(Refusal::UnknownId),
        Keep::Bound(connection, bytes) => {
            if connection.transport() == TransportKind::WebSockets {
                return Err(Refusal::NotOverWebSocket);
            }
            let room = poll_fn(|cx| connection.inbox.poll_room(cx)).await;
            room.map_err(|_| Refusal::UnknownId)?;
            connection.inbox.push(bytes);
        }
    }
    Ok(text_answer(StatusCode::OK, ""))
}

/// Counts a bound of bodies that was met.
fn counted<E: Endpoint>(server: &Shared<E>, refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::BodyTooSlow => server.limits.hit(Limit::PostTimeout),
        Refusal::BodyTooLarge => server.limits.hit(Limit::PostBytes),
        _ => {}
    }
    refusal
}

/// A body that has been passed on in part. When it ends so, by an error or because the HTTP server drops
/// the request of a client that left, the rest of a message is missing, and the next body would be
/// taken for it: the connection is over.
struct Half<'a, P> {
    connection: &'a Connection<P>,
    begun: bool,
}

impl<P> Drop for Half<'_, P> {
    fn drop(&mut self) {
        if self.begun {
            let error = "Connection closed with an error. A request body broke off.";
            self.connection.close(Some(error.to_owned()), true);
        }
    }
}

/// A POST that waits for its turn or has it.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn enter<E: Endpoint>(server: &Shared<E>, count: &'a AtomicUsize) -> Result<Self, Refusal> {
        let most = server.options.max_waiting_posts;
        let room = |waiting: usize| (waiting <= most).then_some(waiting + 1);
        let entered = count.fetch_update(Ordering::AcqRel, Ordering::Acquire, room);
        entered.map(|_| Self(count)).map_err(|_| {
            server.limits.hit(Limit::WaitingPosts);
            Refusal::TooManyPosts
        })
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A body with a bound in bytes and in time spent waiting for it.
struct Upload {
    body: BodyDataStream,
    bytes_left: usize,
    time_left: Duration,
}

impl Upload {
    fn new(body: Body, options: &HubOptions) -> Self {
        Self {
            body: body.into_data_stream(),
            bytes_left: options.max_post_bytes,
            time_left: options.post_timeout,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        let start = Instant::now();
        let chunk = timeout(self.time_left, self.body.next()).await;
        self.time_left = self.time_left.saturating_sub(start.elapsed());
        match chunk {
            Err(_) => Err(Refusal::BodyTooSlow),
            Ok(None) => Ok(None),
            Ok(Some(Err(_))) => Err(Refusal::BrokenBody),
            Ok(Some(Ok(chunk))) => {
                let left = self.bytes_left.checked_sub(chunk.len());
                self.bytes_left = left.ok_or(Refusal::BodyTooLarge)?;
                Ok(Some(chunk))
            }
        }
    }
}
