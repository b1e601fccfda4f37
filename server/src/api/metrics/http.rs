//! Counts requests by route template, method and status. Templates, never paths: ids would make a
//! series each.

use std::hash::{Hash, Hasher};

use axum::extract::MatchedPath;
use http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Shared with the router; no copy of the text.
#[derive(Clone, Debug)]
struct Route(Option<MatchedPath>);

impl Route {
    fn text(&self) -> &str {
        self.0.as_ref().map_or("", MatchedPath::as_str)
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Route {}

impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        self.text().encode(encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: Route,
    status: u16,
}

/// Held by the outermost layer. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct HttpMetrics {
    requests: Family<Request, Counter>,
}

impl HttpMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let this = Self::default();
        registry.register(
            "http_requests",
            "Requests answered, by route template; an empty route is a file or an unknown path",
            this.requests.clone(),
        );
        this
    }

    /// A request was answered with this head.
    pub fn answered(&self, method: &Method, route: Option<&MatchedPath>, status: StatusCode) {
        let request = Request {
            method: known(method),
            route: Route(route.cloned()),
            status: status.as_u16(),
        };
        self.requests.get_or_create(&request).inc();
    }
}

/// A client may invent methods; it may not invent series.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        _ => "other",
    }
}
