//! Security headers: what a page of ours may load, and who may embed it.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use leptos::nonce::use_nonce;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use tower_http::set_header::SetResponseHeaderLayer;

/// What an answer that is no page may load: nothing.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// Called once per render: allows the scripts of this very answer, by its nonce, and what they load. Pages are about
/// persons, and one offers a secret: no cache keeps them, and whoever signed out finds none by going back.
pub(super) fn content_security_policy() {
    let (Some(nonce), Some(answer)) = (use_nonce(), use_context::<ResponseOptions>()) else {
        return; // a server function's answer: no page
    };
    if let Ok(policy) = HeaderValue::try_from(policy(&nonce)) {
        answer.insert_header(CONTENT_SECURITY_POLICY, policy);
        answer.insert_header(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
         style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    )
}

/// Headers of every answer; those that a handler has set stay.
pub(super) fn secure(router: Router) -> Router {
    let set = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    router
        .layer(set(CONTENT_SECURITY_POLICY, NOTHING))
        .layer(set(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(REFERRER_POLICY, "same-origin"))
        .layer(set(
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ))
        .layer(set(
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ))
}
