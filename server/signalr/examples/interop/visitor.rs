//! Who makes a request: its headers, which hub methods are asked for.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{
    HeaderMap,
    header::{COOKIE, HeaderName},
};
use signalr::Identity;
use std::sync::Arc;

/// Everybody is welcome, and may ask what the server saw of the request.
#[derive(Debug, Clone)]
pub(crate) struct Visitor(pub(crate) Arc<HeaderMap>);

impl Identity for Visitor {
    fn is_same(&self, _later: &Self) -> bool {
        true
    }
}

impl Visitor {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let name = HeaderName::try_from(name).ok()?;
        self.0.get(name)?.to_str().ok().map(str::to_owned)
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let mut cookies = self
            .0
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok());
        let cookie = cookies.find_map(|header| {
            let mut pairs = header
                .split(';')
                .filter_map(|pair| pair.trim().split_once('='));
            pairs.find(|(present, _)| *present == name)
        });
        cookie.map(|(_, value)| value.to_owned())
    }
}

pub(crate) async fn welcome(mut request: Request, next: Next) -> Response {
    let visitor = Visitor(Arc::new(request.headers().clone()));
    request.extensions_mut().insert(visitor);
    next.run(request).await
}
