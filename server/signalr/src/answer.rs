//! The plain answers of the HTTP layer, each with the status and text that clients know.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, EXPIRES, PRAGMA},
};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain");

/// An answer that ends the request early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoPrincipal,
    OtherIdentity,
    NoId,
    UnknownId,
    TransportDisabled,
    OtherTransport,
    AlreadyActive,
    NotOverWebSocket,
    NotLongPolling,
    BadUpgrade,
    BrokenBody,
    BodyTooSlow,
    BodyTooLarge,
    TooManyPosts,
    TooManyReservations,
    TooManyOfUser,
    TooManyConnections,
    Method,
    Leaving,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::NoPrincipal => (StatusCode::UNAUTHORIZED, ""),
            Self::OtherIdentity => (StatusCode::FORBIDDEN, "The connection is another user's"),
            Self::NoId => (StatusCode::BAD_REQUEST, "Connection ID required"),
            Self::UnknownId => (StatusCode::NOT_FOUND, "No Connection with that ID"),
            Self::TransportDisabled => (StatusCode::NOT_FOUND, "The transport is disabled"),
            Self::OtherTransport => (
                StatusCode::BAD_REQUEST,
                "Cannot change transports mid-connection",
            ),
            Self::AlreadyActive => (StatusCode::CONFLICT, "The connection is already in use"),
            Self::NotOverWebSocket => (
                StatusCode::METHOD_NOT_ALLOWED,
                "POST requests are not allowed for WebSocket connections",
            ),
            Self::NotLongPolling => (
                StatusCode::BAD_REQUEST,
                "Cannot terminate this connection using the DELETE endpoint",
            ),
            Self::BadUpgrade => (StatusCode::BAD_REQUEST, "Not a valid WebSocket request"),
            Self::BrokenBody => (StatusCode::BAD_REQUEST, "The body could not be read"),
            Self::BodyTooSlow => (StatusCode::REQUEST_TIMEOUT, "The body took too long"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::TooManyPosts => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests wait for their turn",
            ),
            Self::TooManyReservations => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many connections are negotiated and not opened",
            ),
            Self::TooManyOfUser => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many connections are negotiated and not opened",
            ),
            Self::TooManyConnections => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many connections are open",
            ),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, ""),
            Self::Leaving => (StatusCode::SERVICE_UNAVAILABLE, "The server is leaving"),
        };
        text_answer(status, text)
    }
}

/// An answer in words, or in none.
pub(crate) fn text_answer(status: StatusCode, text: &'static str) -> Response {
    (status, [(CONTENT_TYPE, TEXT)], text).into_response()
}

/// An answer to a poll.
pub(crate) fn poll_answer(body: impl Into<Body>) -> Response {
    let binary = HeaderValue::from_static("application/octet-stream");
    ([(CONTENT_TYPE, binary)], body.into()).into_response()
}

/// Every answer to a GET that is no event stream, errors included, must not be cached.
pub(crate) fn uncached(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store"),
    );
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(
        EXPIRES,
        HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"),
    );
    response
}
