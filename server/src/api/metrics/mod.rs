//! `/metrics`: what an operator watches, in OpenMetrics text.
//!
//! Who counts holds a small struct of counters and nothing of the registry; nothing is static, two
//! products in one process count apart. Counting is an addition on the hot path, everything else
//! happens at the scrape. Answered to loopback only, unless the settings say otherwise: the numbers
//! tell how busy a company is.

mod events;
mod http;
mod hub;
mod live;
mod outside;
mod publish;

use std::net::SocketAddr;
use std::sync::Arc;

use ::http::{Extensions, HeaderMap, StatusCode, header};
use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

pub use self::events::EventMetrics;
pub use self::http::HttpMetrics;
pub use self::hub::HubMetrics;
pub use self::publish::PublishMetrics;

use self::live::{Counted, Live};
use self::outside::Outside;
use super::problem::Problem;
use crate::delivery::Dispatch;
use crate::delivery::doorbell::Doorbell;
use crate::hub::Hub;
use crate::push::Pusher;

/// Headers by which a proxy says that somebody else asked.
const FORWARDED: [&str; 5] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
    "via",
];

/// The registry and those who count into it. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// The API counts what is published.
    pub publish: PublishMetrics,
    /// The API counts live events.
    pub events: EventMetrics,
    /// The outermost layer counts requests.
    pub http: HttpMetrics,
    /// The hub's server counts connections, messages and calls.
    pub hub: Arc<HubMetrics>,
    /// In front of the hub; counts what passes.
    pub dispatch: Arc<dyn Dispatch>,
    /// Whether LISTEN is heard.
    pub doorbell: Doorbell,
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new(hub: &Arc<Hub>, doorbell: Doorbell, pusher: Arc<Pusher>) -> Self {
        let mut registry = Registry::with_prefix("bellhop");
        let publish = PublishMetrics::register(&mut registry);
        let events = EventMetrics::register(&mut registry);
        let http = HttpMetrics::register(&mut registry);
        let counted = HubMetrics::register(&mut registry);
        let dispatch = Counted::register(&mut registry, hub.clone());
        registry.register_collector(Box::new(Live::new(hub.clone())));
        registry.register_collector(Box::new(Outside::new(doorbell.clone(), pusher)));
        Self {
            registry: Arc::new(registry),
            publish,
            events,
            http,
            hub: counted,
            dispatch: Arc::new(dispatch),
            doorbell,
        }
    }

    /// The route. `public`: answer whoever asks.
    pub fn routes(&self, public: bool) -> Router {
        let state = (self.registry.clone(), public);
        Router::new()
            .route("/metrics", get(scrape))
            .with_state(state)
    }
}

async fn scrape(
    State((registry, public)): State<(Arc<Registry>, bool)>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, Problem> {
    if !public && !is_loopback(&extensions, &headers) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "loopback_only",
            "Metrics are answered to this machine only; set BELLHOP_METRICS_PUBLIC to change that.",
        ));
    }
    let mut body = String::with_capacity(16 * 1024);
    text::encode(&mut body, &registry).map_err(|error| Problem::internal(&error))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

/// Whether the socket is this machine's and nobody stands behind it. A forwarded header never
/// makes a request loopback, and takes it away: a proxy on this machine forwards for the world.
fn is_loopback(extensions: &Extensions, headers: &HeaderMap) -> bool {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
        && !FORWARDED.iter().any(|name| headers.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use ::http::HeaderValue;

    use super::*;

    #[test]
    fn loopback_is_the_socket_and_never_a_header() {
        let from = |peer: &str| {
            let mut extensions = Extensions::new();
            extensions.insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
            extensions
        };
        let mut headers = HeaderMap::new();
        assert!(is_loopback(&from("127.0.0.1:9"), &headers));
        assert!(is_loopback(&from("[::ffff:127.0.0.1]:9"), &headers));
        assert!(!is_loopback(&from("10.0.0.1:9"), &headers));
        assert!(!is_loopback(&Extensions::new(), &headers), "nobody knows");
        headers.insert("x-forwarded-for", HeaderValue::from_static("127.0.0.1"));
        assert!(!is_loopback(&from("10.0.0.1:9"), &headers));
        assert!(!is_loopback(&from("127.0.0.1:9"), &headers), "a proxy's");
    }
}
