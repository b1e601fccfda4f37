//! `GET` with an upgrade, or `CONNECT` over HTTP/2: one socket for both directions.
//!
//! The upgrade is done here and not by axum's extractor, for two reasons: the task belongs on the
//! host's tracker, and the closing handshake needs the stream itself.

use std::{pin::pin, sync::Arc};

use axum::{body::Body, response::Response};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE},
    request::Parts,
};
use hyper::{ext::Protocol, upgrade::OnUpgrade};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{in_step::in_step, sockets};
use crate::{
    Connection,
    answer::Refusal,
    connection::Facts,
    endpoint::Endpoint,
    places::Occupied,
    protocol::TransportKind,
    server::Shared,
    shield::caught,
    slot::{Bind, Slot},
    visit::{Seats, Visit},
};

const KIND: TransportKind = TransportKind::WebSockets;

pub(crate) fn is_upgrade(parts: &Parts) -> bool {
    has_token(&parts.headers, &UPGRADE, "websocket")
}

/// Everything that can be wrong is answered before the upgrade.
pub(crate) async fn accept<E: Endpoint>(mut visit: Visit<E>) -> Result<Response, Refusal> {
    let slot = visit.slot_if_named().await?;
    visit.require(KIND)?;
    if let Some(slot) = &slot
        && let Some(connection) = slot.connection()
    {
        return resume(visit, slot, connection).await;
    }
    if !visit.server.accepts() {
        return Err(Refusal::Leaving);
    }
    let (response, upgrade) = switch(&mut visit.parts)?;
    let (connection, seats) = match &slot {
        // Negotiation was skipped: there is no token, and the id is known only here.
        None => {
            let seats = visit.seats()?;
            let id = visit.server.token();
            let connection = visit.connection(id, KIND, &Facts::default(), false);
            (Arc::new(connection), seats)
        }
        Some(slot) => {
            let seats = visit.seats_of(slot)?;
            let id = Arc::clone(&slot.id);
            let open = || visit.connection(id, KIND, &slot.facts, slot.resumable);
            match slot.bind(KIND, open) {
                Bind::Fresh(connection) => (connection, seats.keep()),
                Bind::Already(_) => return Err(Refusal::AlreadyActive),
                Bind::OtherTransport => return Err(Refusal::OtherTransport),
                Bind::Expired => return Err(Refusal::UnknownId),
            }
        }
    };
    let server = visit.server;
    if slot.is_some() {
        server.places.bound();
    }
    let place = slot.map(|slot| server.places.occupy(Arc::clone(&slot.token)));
    let tracker = server.tracker.clone();
    tracker.spawn(run(server, connection, place, upgrade, seats));
    Ok(response)
}

/// Another WebSocket for a connection that has one, or had.
async fn resume<E: Endpoint>(
    mut visit: Visit<E>,
    slot: &Slot<E::Principal>,
    connection: Arc<Connection<E::Principal>>,
) -> Result<Response, Refusal> {
    if connection.transport() != KIND {
        return Err(Refusal::OtherTransport);
    }
    connection.resumable().ok_or(Refusal::AlreadyActive)?;
    let (response, upgrade) = switch(&mut visit.parts)?;
    let server = &visit.server;
    if !server
        .admission
        .may_resume(&connection, &visit.principal)
        .await
    {
        connection.close(None, true);
        server.places.forget(&slot.token);
        return Err(Refusal::UnknownId);
    }
    visit.comes_again(&connection);
    // Asked again: the connection may have ended while the host was asked.
    let resume = connection.resumable().ok_or(Refusal::AlreadyActive)?;
    if !resume.take_over(upgrade) {
        return Err(Refusal::UnknownId);
    }
    Ok(response)
}

/// The connection's one task.
async fn run<E: Endpoint>(
    server: Arc<Shared<E>>,
    connection: Arc<Connection<E::Principal>>,
    place: Option<Occupied<E::Principal>>,
    upgrade: OnUpgrade,
    _seats: Seats,
) {
    // Whoever never takes the answer must not keep a place.
    let upgrade = timeout(server.options.handshake_timeout, upgrade);
    let Ok(Ok(upgraded)) = upgrade.await else {
        return;
    };
    let session = async {
        server.serve(&connection).await;
        // A client that comes back with the old id must get its 404 at once.
        drop(place);
    };
    let sockets = async {
        if caught(sockets::serve(&server, &connection, upgraded))
            .await
            .is_none()
        {
            connection.break_off();
        }
    };
    in_step(&connection, pin!(session), pin!(sockets)).await;
}

/// The answer that switches protocols, and the promise of the stream.
fn switch(parts: &mut Parts) -> Result<(Response, OnUpgrade), Refusal> {
    let headers = &parts.headers;
    let current = headers
        .get(SEC_WEBSOCKET_VERSION)
        .is_some_and(|version| version == "13");
    let mut response = Response::new(Body::empty());
    if parts.method == Method::CONNECT {
        let protocol = parts.extensions.get::<Protocol>().map(Protocol::as_str);
        if protocol != Some("websocket") {
            return Err(Refusal::BadUpgrade);
        }
    } else {
        let key = headers.get(SEC_WEBSOCKET_KEY).ok_or(Refusal::BadUpgrade)?;
        let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
        let accept = accept.map_err(|_| Refusal::BadUpgrade)?;
        if !has_token(headers, &CONNECTION, "upgrade") {
            return Err(Refusal::BadUpgrade);
        }
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    let upgrade = parts.extensions.remove::<OnUpgrade>();
    match upgrade {
        Some(upgrade) if current => Ok((response, upgrade)),
        _ => Err(Refusal::BadUpgrade),
    }
}

/// Whether a comma-separated header holds `token`, in any case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use tokio_util::{sync::CancellationToken, task::TaskTracker};

    use super::*;
    use crate::{Call, Hub, HubError, HubOptions, Reply, connection::Opening};

    struct Quiet;

    impl Hub for Quiet {
        type Principal = ();

        fn same_identity((): &(), (): &()) -> bool {
            true
        }

        async fn connected(&self, _: &Arc<Connection<()>>) -> Result<(), HubError> {
            Ok(())
        }

        async fn invoke(&self, _: &Arc<Connection<()>>, _: Call) -> Reply {
            Reply::done()
        }
    }

    /// There is one of each per idle connection; what is rarely needed is boxed.
    #[test]
    fn a_connection_and_its_task_stay_small() {
        let server = Arc::new(Shared::new(
            Arc::new(Quiet),
            HubOptions::default(),
            TaskTracker::new(),
            CancellationToken::new(),
            Arc::new(|| [0; 16]),
        ));
        let opening = Opening {
            id: "id".into(),
            principal: (),
            good_for: None,
            transport: KIND,
            facts: Facts::default(),
            resumable: false,
        };
        let connection = Connection::new(opening, &server.options, &server.limits);
        let connection = Arc::new(connection);
        let upgrade = hyper::upgrade::on(http::Request::new(Body::empty()));
        let sizes = [
            size_of_val(&*connection),
            size_of_val(&server.serve(&connection)),
            size_of_val(&run(
                Arc::clone(&server),
                Arc::clone(&connection),
                None,
                upgrade,
                Seats::default(),
            )),
        ];
        // Measured: 720 and 4,648. With tokio's own part a task should stay within the allocator's
        // class of 5,120 bytes.
        assert!(sizes[0] <= 1024 && sizes[2] <= 4864, "{sizes:?}");
    }
}
