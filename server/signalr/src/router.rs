//! Which request goes where: by path, verb and headers.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{Method, StatusCode, header::ACCEPT, request::Parts};

use crate::{
    Hub,
    answer::{Refusal, uncached},
    connection::parameter,
    negotiate::negotiate,
    protocol::TransportKind,
    server::Shared,
    slot::Slot,
    transports::{long_polling, send, server_sent_events, websocket},
};

pub(crate) fn router<H: Hub, S: Clone + Send + Sync + 'static>(
    server: Arc<Shared<H>>,
) -> Router<S> {
    Router::new()
        .route("/", any(endpoint::<H>))
        .route("/{segment}", any(beside::<H>))
        .with_state(server)
}

/// `negotiate` in any case; nothing else lives beside the endpoint.
async fn beside<H: Hub>(
    server: State<Arc<Shared<H>>>,
    Path(segment): Path<String>,
    request: Request,
) -> Response {
    if segment.eq_ignore_ascii_case("negotiate") {
        negotiate(server, request).await
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

async fn endpoint<H: Hub>(State(server): State<Arc<Shared<H>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(principal) = parts.extensions.get::<H::Principal>().cloned() else {
        return Refusal::NoPrincipal.into_response();
    };
    let visit = Visit {
        server,
        principal,
        parts,
    };
    match visit.parts.method {
        Method::GET if websocket::is_upgrade(&visit.parts) => refused(websocket::accept(visit)),
        Method::CONNECT => refused(websocket::accept(visit)),
        Method::GET if wants_events(&visit.parts) => refused(server_sent_events::open(visit)),
        Method::GET => uncached(refused(long_polling::poll(visit).await)),
        Method::POST => refused(send::send(visit, body).await),
        Method::DELETE => refused(long_polling::delete(&visit)),
        _ => Refusal::Method.into_response(),
    }
}

fn refused(answer: Result<Response<Body>, Refusal>) -> Response {
    answer.unwrap_or_else(IntoResponse::into_response)
}

fn wants_events(parts: &Parts) -> bool {
    let mut accepts = parts
        .headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    accepts.any(|accept| accept.to_ascii_lowercase().contains("text/event-stream"))
}

/// An authenticated request to the endpoint.
pub(crate) struct Visit<H: Hub> {
    pub(crate) server: Arc<Shared<H>>,
    pub(crate) principal: H::Principal,
    pub(crate) parts: Parts,
}

impl<H: Hub> Visit<H> {
    /// The place that `id` names, if it is the visitor's.
    pub(crate) fn slot(&self) -> Result<Arc<Slot<H::Principal>>, Refusal> {
        self.slot_if_named()?.ok_or(Refusal::NoId)
    }

    /// As [`slot`](Self::slot), but the id may be missing.
    pub(crate) fn slot_if_named(&self) -> Result<Option<Arc<Slot<H::Principal>>>, Refusal> {
        let id = parameter(&self.parts.uri, "id").filter(|id| !id.is_empty());
        let Some(id) = id else { return Ok(None) };
        let slot = self.server.registry.slot(&id).ok_or(Refusal::UnknownId)?;
        if !H::same_identity(&slot.owner, &self.principal) {
            return Err(Refusal::OtherIdentity);
        }
        Ok(Some(slot))
    }

    pub(crate) fn require(&self, transport: TransportKind) -> Result<(), Refusal> {
        let enabled = self.server.options.transports.contains(&transport);
        enabled.then_some(()).ok_or(Refusal::TransportDisabled)
    }
}
