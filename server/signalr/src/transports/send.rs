//! `POST`: the way up for transports that only carry the way down.
//!
//! Bodies of one connection form one byte stream, so POSTs wait for each other. A body is passed on
//! piece by piece and waits while the inbox is full: its size needs no limit.

use std::future::poll_fn;

use axum::{body::Body, response::Response};
use futures_util::StreamExt;
use http::StatusCode;

use crate::{
    Hub,
    answer::{Refusal, text_answer},
    protocol::TransportKind,
    router::Visit,
};

pub(crate) async fn send<H: Hub>(visit: Visit<H>, body: Body) -> Result<Response, Refusal> {
    let slot = visit.slot()?;
    let connection = slot.connection().ok_or(Refusal::OtherTransport)?;
    if connection.transport() == TransportKind::WebSockets {
        return Err(Refusal::NotOverWebSocket);
    }
    let hub = &visit.server.hub;
    hub.seen_again(&connection, &visit.principal);
    connection.touch();
    if connection.transport() == TransportKind::ServerSentEvents
        && let Some(through) = slot.delivered()
    {
        hub.evidence(&connection, through);
    }
    let _turn = slot.sending.lock().await;
    let mut body = body.into_data_stream();
    let mut begun = false;
    while let Some(chunk) = body.next().await {
        let Ok(chunk) = chunk else {
            if begun {
                // The rest of a message is missing, and the next body would be taken for it.
                connection.close(Some("A request body broke off.".to_owned()), true);
            }
            return Err(Refusal::BrokenBody);
        };
        let room = poll_fn(|cx| connection.inbox.poll_room(cx)).await;
        room.map_err(|_| Refusal::UnknownId)?;
        connection.inbox.push(chunk);
        begun = true;
    }
    Ok(text_answer(StatusCode::OK, ""))
}
