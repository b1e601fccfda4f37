//! The outermost layer: every request gets an id, is counted, and leaves one line in the log.
//!
//! The line names the route's template and never the path or the query: the query of the hub holds
//! tokens, paths hold the customer's ids. Lines of requests that went well are at `debug`, because
//! at ten thousand publications a second a line each would cost more than the work; ask for them
//! with `--log=info,bellhop::run::access=debug`.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tracing::Instrument as _;

use crate::api::metrics::HttpMetrics;
use crate::support::ids::Ids;

/// In answers always; in requests, a proxy's own is taken over.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Clone)]
struct Seen {
    ids: Ids,
    metrics: HttpMetrics,
}

/// Puts the layer around everything that is served.
pub fn layer(router: Router, ids: Ids, metrics: HttpMetrics) -> Router {
    let seen = Seen { ids, metrics };
    router.layer(axum::middleware::from_fn_with_state(seen, observe))
}

async fn observe(State(seen): State<Seen>, mut request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(REQUEST_ID)
        .filter(|id| is_id(id))
        .cloned()
        .or_else(|| HeaderValue::try_from(seen.ids.uuid().to_string()).ok());
    let id = id.unwrap_or_else(|| HeaderValue::from_static("none"));
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());

    let begun = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let ms = begun.elapsed().as_secs_f64() * 1_000.0;

    response.headers_mut().insert(REQUEST_ID, id);
    let status = response.status();
    seen.metrics.answered(&method, route.as_ref(), status);
    let route = route.as_ref().map_or("-", MatchedPath::as_str);
    span.in_scope(|| {
        let status = status.as_u16();
        let ms = format_args!("{ms:.2}");
        match status {
            500.. => tracing::warn!(%method, route, status, ms, "answered"),
            400..=499 => tracing::info!(%method, route, status, ms, "answered"),
            _ => tracing::debug!(%method, route, status, ms, "answered"),
        }
    });
    response
}

/// What may stand in our log: short and plain.
fn is_id(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=64).contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        // Somebody might put a key there.
        && !bytes.starts_with(crate::auth::api_key::PREFIX.as_bytes())
}
