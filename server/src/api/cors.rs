//! Browsers on other origins: a React app on `https://app.example.com` may call the API and the hub
//! if a service names that origin (`allowed_origins`), and not otherwise.
//!
//! [`answer`] stands outside of authentication. It answers preflights, which carry no token and so
//! can only be asked of all services, and turns away origins nobody named, WebSockets included: no
//! browser checks those itself. [`guard`] stands inside and asks the caller's own service. An origin
//! is echoed exactly when it was named, and nothing else ever is.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::problem::Problem;
use crate::auth::{Origins, Principal};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE");
/// `x-requested-with` and `x-signalr-user-agent` come from SignalR's own client, the last two from event
/// sources made of `fetch`.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, x-requested-with, x-signalr-user-agent, x-request-id, last-event-id, \
     cache-control",
);
const EXPOSED: HeaderValue = HeaderValue::from_static("location, retry-after, x-request-id");
/// Seconds a browser may remember a preflight.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// An origin other than our own, named by some service. Put into the request by [`answer`].
#[derive(Clone, Debug)]
struct Elsewhere(HeaderValue);

/// Outermost layer of the API and the hub.
pub async fn answer(State(origins): State<Origins>, mut request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return vary(next.run(request).await);
    };
    let text = origin.to_str().unwrap_or_default();
    if origins.is_own(text) || is_own(text, &request) {
        return vary(next.run(request).await);
    }
    if !origins.knows(text) {
        return vary(refused(text).into_response());
    }
    let mut response = if is_preflight(&request) {
        preflight()
    } else {
        request.extensions_mut().insert(Elsewhere(origin.clone()));
        let mut response = next.run(request).await;
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    // SignalR's client sends requests "with credentials" whether it has cookies or not.
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    vary(response)
}

/// Layer between authentication and the handlers.
pub async fn guard(State(origins): State<Origins>, request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    if let (Some(Elsewhere(origin)), Some(principal)) =
        (extensions.get(), extensions.get::<Principal>())
    {
        let origin = origin.to_str().unwrap_or_default();
        if !origins.allow(principal, origin) {
            return refused(origin).into_response();
        }
    }
    next.run(request).await
}

fn refused(origin: &str) -> Problem {
    let origin: String = origin.chars().take(200).collect();
    Problem::new(
        StatusCode::FORBIDDEN,
        "origin_not_allowed",
        format!(
            "The web origin {origin} is not among the service's allowed origins. An administrator \
             adds it with PUT /api/v1/services/{{id}}."
        ),
    )
}

/// Is it the origin this request was sent to? The scheme is not compared: behind a proxy that ends
/// TLS we cannot know it, and nothing here is authorised by a cookie.
fn is_own(origin: &str, request: &Request) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false; // "null": a sandboxed frame or a file
    };
    if scheme != "http" && scheme != "https" {
        return false;
    }
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    let default = if scheme == "http" { ":80" } else { ":443" };
    host.is_some_and(|host| {
        let host = host.strip_suffix(default).unwrap_or(host);
        host.eq_ignore_ascii_case(authority)
    })
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Whatever the answer, a cache must not give it to another origin.
fn vary(mut response: Response) -> Response {
    const ORIGIN: HeaderName = header::ORIGIN;
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from(ORIGIN));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn own(origin: &str, host: &str) -> bool {
        let request = Request::get("/api/v1/x").header("host", host);
        is_own(origin, &request.body(Body::empty()).unwrap())
    }

    #[test]
    fn our_own_origin_is_host_and_port() {
        assert!(own("http://127.0.0.1:7420", "127.0.0.1:7420"));
        assert!(own("https://bell.example", "Bell.example"), "behind TLS");
        assert!(own("https://bell.example", "bell.example:443"));
        assert!(!own("https://bell.example:8443", "bell.example"));
        assert!(!own("https://evil.example", "bell.example"));
        assert!(!own("null", "null"));
        assert!(!own("chrome-extension://bell.example", "bell.example"));
    }
}
