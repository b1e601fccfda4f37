//! What stands before the hubs: CORS for every origin, cookies with each negotiate, redirects.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use axum::{
    Extension, Json,
    extract::{Query, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS,
        ACCESS_CONTROL_REQUEST_METHOD, LOCATION, ORIGIN, SET_COOKIE, VARY,
    },
};
use serde::Deserialize;

/// What the listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// Every origin may come with credentials: browsers run the suites from a server of their own.
pub(crate) async fn cors(request: Request, next: Next) -> Response {
    let (method, asked) = (request.method().clone(), request.headers().clone());
    let mut response = if method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    if let Some(origin) = asked.get(ORIGIN) {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        headers.append(VARY, HeaderValue::from_static("Origin"));
        for (wish, answer) in [
            (ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_ALLOW_METHODS),
            (ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_ALLOW_HEADERS),
        ] {
            if let Some(wish) = asked.get(wish) {
                headers.insert(answer, wish.clone());
            }
        }
    }
    response
}

/// Two cookies and an expired one with the answer to each negotiate.
pub(crate) async fn cookies(
    Extension(scheme): Extension<Scheme>,
    request: Request,
    next: Next,
) -> Response {
    let negotiates = request
        .uri()
        .path()
        .to_ascii_lowercase()
        .contains("/negotiate");
    let mut response = next.run(request).await;
    if negotiates {
        set_cookies(response.headers_mut(), scheme);
    }
    response
}

fn set_cookies(headers: &mut HeaderMap, scheme: Scheme) {
    let secure = match scheme {
        Scheme::Http => "",
        Scheme::Https => "; SameSite=None; Secure",
    };
    for cookie in [
        "testCookie=testValue; path=/",
        "testCookie2=testValue2; path=/",
        "expiredCookie=doesntmatter; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/",
    ] {
        if let Ok(cookie) = HeaderValue::try_from(format!("{cookie}{secure}")) {
            headers.append(SET_COOKIE, cookie);
        }
    }
}

/// `/echoredirect...`: the same path at `echo`, with the same method and body.
pub(crate) async fn to_echo(request: Request) -> Response {
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let target = target.replacen("echoredirect", "echo", 1);
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, target)]).into_response()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Base {
    #[serde(default)]
    base_url: String,
}

/// `/redirect...`: negotiate again at the test hub, with a number that grows.
pub(crate) async fn to_test_hub(
    State(redirects): State<Arc<AtomicU32>>,
    Query(base): Query<Base>,
) -> Response {
    let number = redirects.fetch_add(1, Ordering::Relaxed) + 1;
    let url = format!("{}/testHub?numRedirects={number}", base.base_url);
    Json(serde_json::json!({ "url": url })).into_response()
}

pub(crate) async fn bad_negotiate() -> (StatusCode, &'static str) {
    (StatusCode::BAD_REQUEST, "Some response from server")
}
