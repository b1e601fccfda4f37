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
    Negotiation,
    answer::Refusal,
    connection::{Facts, parameter},
    endpoint::Endpoint,
    protocol::{NegotiateResponse, TransportKind},
    server::Shared,
    slot::Slot,
    visit::Visit,
};

/// The newest version of the negotiate answer.
const NEWEST: u32 = 1;

pub(crate) async fn negotiate<E: Endpoint>(
    State(server): State<Arc<Shared<E>>>,
    request: Request<axum::body::Body>,
) -> Response {
    let (parts, _body) = request.into_parts();
    let Some(principal) = parts.extensions.get::<E::Principal>().cloned() else {
        return Refusal::NoPrincipal.into_response();
    };
    let visit = Visit {
        server,
        principal,
        parts,
    };
    match answer(&visit).await {
        Ok(answer) => Json(answer).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer<E: Endpoint>(visit: &Visit<E>) -> Result<NegotiateResponse, Refusal> {
    let Visit {
        server,
        principal,
        parts,
    } = visit;
    let options = &server.options;
    if parts.method != Method::POST {
        return Err(Refusal::Method);
    }
    if !server.accepts() {
        return Err(Refusal::Leaving);
    }
    let asked = parameter(&parts.uri, "negotiateVersion");
    let version = match version(asked, options.min_negotiate_version) {
        Ok(version) => version,
        Err(error) => return Ok(refused(error)),
    };
    match server.admission.negotiate(principal, parts).await {
        Negotiation::Here => {}
        Negotiation::Refused(error) => return Ok(refused(error)),
        Negotiation::Elsewhere { url, access_token } => {
            return Ok(NegotiateResponse {
                url: Some(url),
                access_token,
                ..NegotiateResponse::default()
            });
        }
    }
    let claim = visit.claim()?;
    let fresh = server.token();
    // In version 0 one value is both, and what the host makes of it comes first.
    let token = server.admission.token(principal, &fresh);
    let (id, token) = match (version, token) {
        (0, None) => (Arc::clone(&fresh), fresh),
        (0, Some(token)) => {
            let token: Arc<str> = token.into();
            (Arc::clone(&token), token)
        }
        (_, None) => (fresh, server.token()),
        (_, Some(token)) => (fresh, token.into()),
    };
    let wanted = parameter(&parts.uri, "useStatefulReconnect");
    let resumable = options.stateful_reconnect
        && options.transports.contains(&TransportKind::WebSockets)
        && wanted.is_some_and(|wanted| wanted.eq_ignore_ascii_case("true"));
    let lifetime = options
        .auth_refresh
        .then(|| server.admission.expires_in(principal))
        .flatten();
    let answer = NegotiateResponse {
        negotiate_version: Some(version),
        connection_id: Some(id.to_string()),
        connection_token: (version > 0).then(|| token.to_string()),
        available_transports: options
            .transports
            .iter()
            .map(|kind| (*kind).into())
            .collect(),
        use_stateful_reconnect: resumable,
        token_lifetime_seconds: lifetime.map(|lifetime| lifetime.as_secs()),
        ..NegotiateResponse::default()
    };
    let facts = Facts::of(parts, &[], &Facts::default());
    let until = Instant::now() + options.reservation_timeout;
    let mut slot = Slot::new(token, id, principal.clone(), facts, until);
    slot.resumable = resumable;
    slot.claim = Some(claim).into();
    server.reserve(slot)?;
    Ok(answer)
}

/// An error in this form is a 200: the client shows its text.
fn refused(error: String) -> NegotiateResponse {
    NegotiateResponse {
        error: Some(error),
        ..NegotiateResponse::default()
    }
}

/// The version to answer in: the client's, or the newest if that is older.
fn version(asked: Option<String>, least: u32) -> Result<u32, String> {
    let number = match asked {
        None => 0,
        Some(asked) => asked
            .parse::<i64>()
            .map_err(|_| format!("The client requested an invalid protocol version '{asked}'"))?,
    };
    u32::try_from(number)
        .ok()
        .filter(|number| *number >= least)
        .map(|number| number.min(NEWEST))
        .ok_or_else(|| {
            format!(
                "The client requested version '{number}', but the server does not support this \
                 version."
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_clients_up_to_ours() {
        let of = |text: &str| version(Some(text.to_owned()), 0);
        assert_eq!(version(None, 0), Ok(0));
        assert!(version(None, 1).is_err() && version(Some("0".to_owned()), 1).is_err());
        assert_eq!(version(Some("1".to_owned()), 1), Ok(1));
        assert_eq!(of("0"), Ok(0));
        assert_eq!(of("1"), Ok(1));
        assert_eq!(of("7"), Ok(1));
        assert!(of("-1").is_err());
        assert!(of("one").is_err());
        assert!(of("").is_err());
    }
}
