//! `/api/v1/openapi.json`, and `/api/v1/docs`: the same as a page to read. Made once at the start
//! from what the handlers declare; needs no network, no script and no credential.

mod example;
mod page;
mod schema;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use http::header;
use serde_json::Value;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use super::problem;

const CSS: &str = include_str!("docs.css");
/// The page is text and one style sheet.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Says how callers prove themselves; every operation refers to it.
pub(super) struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut OpenApi) {
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.description = Some(
            "An API key (`bh_…`), or a JWT of an issuer whose key is configured. Which scopes an \
             operation needs stands with it; a user's token has none."
                .to_owned(),
        );
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The document as it is served: utoipa takes every body for plain JSON, ours of refusals are not.
pub(super) fn complete(document: &OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    let items = document["paths"].as_object_mut().into_iter().flatten();
    let operations = items.filter_map(|(_, item)| item.as_object_mut()).flatten();
    let answers = operations.filter_map(|(_, of)| of.get_mut("responses")?.as_object_mut());
    for (status, answer) in answers.flatten() {
        if let Some(content) = answer.get_mut("content").and_then(Value::as_object_mut)
            && status.starts_with(['4', '5'])
            && let Some(body) = content.remove("application/json")
        {
            content.insert("application/problem+json".to_owned(), body);
        }
    }
    document
}

/// The document, the page, its style sheet; relative to `/api/v1`.
pub(super) fn routes(document: &OpenApi) -> Router {
    let json = complete(document);
    let page = Bytes::from(page::render(&json));
    let json = Bytes::from(format!("{json:#}\n"));
    Router::new()
        .route("/openapi.json", get(file("application/json", json)))
        .route("/docs", get(file("text/html; charset=utf-8", page)))
        .route(
            "/docs.css",
            get(file("text/css; charset=utf-8", CSS.into())),
        )
        .method_not_allowed_fallback(problem::method_not_allowed)
}

fn file(kind: &'static str, content: Bytes) -> impl Fn() -> Answer + Clone + Send + Sync {
    move || {
        let headers = [
            (header::CONTENT_TYPE, kind),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            // It changes with the program: asked again, answered from memory.
            (header::CACHE_CONTROL, "no-cache"),
        ];
        let content = content.clone();
        std::future::ready((headers, content).into_response())
    }
}

type Answer = std::future::Ready<axum::response::Response>;
