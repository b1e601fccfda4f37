//! `POST refresh?id=`: newer credentials for an open connection, in place of those it began with.
//!
//! Off by default ([`HubOptions::auth_refresh`](crate::HubOptions::auth_refresh)). Errors are a JSON
//! object with `error`: 404 `refresh_disabled`, 400 `missing_connection_token`, 404
//! `connection_not_found`, 401 `invalid_token`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{Method, Request, StatusCode};
use serde::Serialize;

use crate::{answer::Refusal, connection::parameter, endpoint::Endpoint, server::Shared};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Success {
    connection_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refreshed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_lifetime_seconds: Option<u64>,
}

#[derive(Serialize)]
struct Failure {
    error: &'static str,
}

pub(crate) async fn refresh<E: Endpoint>(
    State(server): State<Arc<Shared<E>>>,
    request: Request<axum::body::Body>,
) -> Response {
    let (parts, _body) = request.into_parts();
    if parts.method != Method::POST {
        return Refusal::Method.into_response();
    }
    if !server.options.auth_refresh {
        return failure(StatusCode::NOT_FOUND, "refresh_disabled");
    }
    let Some(principal) = parts.extensions.get::<E::Principal>() else {
        return failure(StatusCode::UNAUTHORIZED, "invalid_token");
    };
    let id = parameter(&parts.uri, "id").filter(|id| !id.is_empty());
    let Some(id) = id else {
        return failure(StatusCode::BAD_REQUEST, "missing_connection_token");
    };
    let slot = server.places.find(&id);
    let open = slot.and_then(|slot| Some((slot.connection()?, slot)));
    let Some((connection, slot)) = open.filter(|(connection, _)| !connection.is_closed()) else {
        return failure(StatusCode::NOT_FOUND, "connection_not_found");
    };
    if !E::same_identity(&slot.owner, principal) {
        return failure(StatusCode::UNAUTHORIZED, "invalid_token");
    }
    let lifetime = server.admission.expires_in(principal);
    server.hub.seen_again(&connection, principal);
    connection.lease.replace(principal.clone(), lifetime);
    Json(Success {
        connection_id: connection.id().to_owned(),
        refreshed_at: server.admission.timestamp(),
        token_lifetime_seconds: lifetime.map(|lifetime| lifetime.as_secs()),
    })
    .into_response()
}

fn failure(status: StatusCode, error: &'static str) -> Response {
    (status, Json(Failure { error })).into_response()
}
