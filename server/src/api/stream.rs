//! `GET /api/v1/stream`: notifications as plain Server-Sent Events, for clients without SignalR. As the
//! hub it takes a user's token, in the header or in the query.

use std::net::SocketAddr;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, FromRequestParts as _, Query, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use signalr::NoPlace;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::problem::Problem;
use crate::auth::Principal;
use crate::delivery::AckMode;
use crate::hub::{self, Cursor, Opening};

/// Seconds after which a client that was refused for now may try again.
const LATER: u32 = 5;

/// The routes of this noun, relative to `/api/v1`. They stand behind the hub's door, not the API's.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(stream))
}

/// How the stream is to be.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct Wishes {
    /// The device, 1 to 64 letters, digits or `._:-`. A device named in the token wins.
    #[param(example = "script-1")]
    device: Option<String>,
    /// `notification`: every item is an event named `Notification`.
    methods: Option<String>,
    /// `transport`: what a cursor proves to have been read counts as reached. `explicit`: only `POST /acks` counts. As
    /// the token's service says, if not given.
    acks: Option<String>,
    /// For event sources that cannot send the header `Last-Event-ID`: the id of the last event read.
    /// The header wins.
    #[param(example = "1:42")]
    last_event_id: Option<String>,
}

/// Receive notifications as an event stream
///
/// With a user's token. `text/event-stream` without an end: `event` is the kind, `data` the JSON of the
/// hub's argument, `id` the cursor to come back with as `Last-Event-ID`. What this device missed comes
/// first. Acknowledge with `POST /acks`, or let the cursor say what was read.
#[utoipa::path(
    get, path = "/stream", tag = "stream", 
    params(
        Wishes,
        ("access_token" = Option<String>, Query, description = "The token, for event sources that cannot send headers"),
    ),
    responses(
        (status = 200, description = "The stream", content_type = "text/event-stream", body = String),
        (status = 401, description = "No good credential", body = Problem),
        (status = 403, description = "The credential is no user's", body = Problem),
        (status = 422, description = "The device's name or the cursor is none, or `acks` cannot be", body = Problem),
        (status = 429, description = "The user or the address has too many connections", body = Problem),
        (status = 503, description = "The server is leaving, or the database is away: come again", body = Problem),
    ),
    security(("bearer" = []))
)]
async fn stream(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    principal.user()?;
    let (mut parts, _) = request.into_parts();
    let wishes = Query::<Wishes>::from_request_parts(&mut parts, &()).await;
    let Query(wishes) = wishes.map_err(|error: QueryRejection| {
        Problem::invalid("query", format!("{}.", error.body_text()))
    })?;
    if hub::device_name(None, wishes.device.as_deref()).is_none() && wishes.device.is_some() {
        return Err(Problem::invalid(
            "device",
            "A device's name has 1 to 64 letters, digits or characters of `._:-`.",
        ));
    }
    let ack_mode = ack_mode(wishes.acks.as_deref())?;
    let cursor = cursor(&parts.headers, wishes.last_event_id.as_deref())?;
    let place = api
        .hub_server
        .take_place(&principal, &parts)
        .map_err(refused)?;
    let metrics = api.connections.clone();
    metrics.stream_opened();
    let opening = Opening {
        id: api.ids.uuid().to_string(),
        principal,
        device: wishes.device,
        as_notification: wishes
            .methods
            .is_some_and(|methods| methods.eq_ignore_ascii_case("notification")),
        ack_mode,
        cursor,
        agent: text(&parts.headers, header::USER_AGENT.as_str()),
        address: parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|ConnectInfo(address)| *address),
        on_end: Box::new(move |by_server| {
            metrics.stream_closed(by_server);
            drop(place);
        }),
    };
    let body = api.hub.stream(opening).await;
    let body = body.map_err(|_| Problem::unavailable())?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Or nginx would keep events back until its buffer is full.
        (
            header::HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    Ok((StatusCode::OK, headers, body).into_response())
}

/// Nothing comes back on a stream, so no results do.
fn ack_mode(asked: Option<&str>) -> Result<Option<AckMode>, Problem> {
    let Some(asked) = asked else { return Ok(None) };
    let mode =
        AckMode::parse(asked).map_err(|wrong| Problem::invalid("acks", wrong.to_string()))?;
    if mode == AckMode::Result {
        return Err(Problem::invalid(
            "acks",
            "An event stream brings no results back: ask for `explicit`, and acknowledge with `POST /api/v1/acks`.",
        ));
    }
    Ok(Some(mode))
}

/// The header is the newer of the two: an event source sends it when it comes back by itself.
fn cursor(headers: &HeaderMap, asked: Option<&str>) -> Result<Option<Cursor>, Problem> {
    let header = text(headers, "last-event-id");
    let told = header.as_deref().or(asked).unwrap_or_default();
    if told.is_empty() {
        return Ok(None);
    }
    let cursor = Cursor::parse(told).ok_or_else(|| {
        Problem::invalid(
            "last_event_id",
            "A cursor is `epoch:seq`, the id of an event of this stream; leave it out to begin anew.",
        )
    })?;
    Ok(Some(cursor))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn refused(why: NoPlace) -> Problem {
    let problem = match why {
        NoPlace::Leaving => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "leaving",
            "The server is stopping; come back after `Retry-After`, to another one if there is one.",
        ),
        NoPlace::Full => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_connections",
            "The user or the address has as many connections as it may; close one, or come back later.",
        ),
    };
    Problem {
        retry_after: Some(LATER),
        ..problem
    }
}
