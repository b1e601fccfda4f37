//! `POST negotiate`: reserves a connection and lists the transports.
//!
//! The reservation is forgotten if nobody uses it within
//! [`HubOptions::reservation_timeout`](crate::HubOptions::reservation_timeout).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{Method, Request};
use tokio::time::Instant;

use crate::{
    Hub,
    answer::Refusal,
    connection::{Facts, parameter},
    protocol::NegotiateResponse,
    server::Shared,
    slot::Slot,
};

/// The newest version of the negotiate answer.
const NEWEST: u32 = 1;

pub(crate) async fn negotiate<H: Hub>(
    State(server): State<Arc<Shared<H>>>,
    request: Request<axum::body::Body>,
) -> Response {
    let (parts, _body) = request.into_parts();
    let Some(principal) = parts.extensions.get::<H::Principal>() else {
        return Refusal::NoPrincipal.into_response();
    };
    if parts.method != Method::POST {
        return Refusal::Method.into_response();
    }
    if !server.accepts() {
        return Refusal::Leaving.into_response();
    }
    let version = match version(parameter(&parts.uri, "negotiateVersion")) {
        Ok(version) => version,
        // An error in this form is a 200: the client shows its text.
        Err(error) => {
            return Json(NegotiateResponse {
                error: Some(error),
                ..Default::default()
            })
            .into_response();
        }
    };
    let token = server.token();
    // In version 0 one value is both.
    let id = if version == 0 {
        Arc::clone(&token)
    } else {
        server.token()
    };
    let answer = NegotiateResponse {
        negotiate_version: Some(version),
        connection_id: Some(id.to_string()),
        connection_token: (version > 0).then(|| token.to_string()),
        available_transports: server
            .options
            .transports
            .iter()
            .map(|kind| (*kind).into())
            .collect(),
        ..NegotiateResponse::default()
    };
    let facts = Facts::of(&parts, &[], &Facts::default());
    let until = Instant::now() + server.options.reservation_timeout;
    server
        .registry
        .reserve(Slot::new(token, id, principal.clone(), facts, until), until);
    Json(answer).into_response()
}

/// The version to answer in: the client's, or the newest if that is older.
fn version(asked: Option<String>) -> Result<u32, String> {
    let Some(asked) = asked else { return Ok(0) };
    let Ok(number) = asked.parse::<i64>() else {
        return Err(format!(
            "The client requested an invalid protocol version '{asked}'"
        ));
    };
    u32::try_from(number.min(NEWEST.into())).map_err(|_| {
        format!(
            "The client requested version '{number}', but the server does not support this version."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_clients_up_to_ours() {
        let of = |text: &str| version(Some(text.to_owned()));
        assert_eq!(version(None), Ok(0));
        assert_eq!(of("0"), Ok(0));
        assert_eq!(of("1"), Ok(1));
        assert_eq!(of("7"), Ok(1));
        assert!(of("-1").is_err());
        assert!(of("one").is_err());
        assert!(of("").is_err());
    }
}
