//! From an HTTP request to a [`Principal`]: `Authorization: Bearer`, and for the hub also the query
//! `access_token`, because a browser cannot set a header on a WebSocket. A cookie is never a proof
//! here: the API and the hub are open to other origins, a cookie would follow them.

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, Uri, header};

use super::fault::Fault;
use super::principal::Principal;
use super::state::AuthState;
use crate::api::problem::Problem;

/// Where a proof is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// `/api`: API keys and tokens of configured issuers.
    Api,
    /// The hub: also the tokens of our own signed-in pages, and the token in the query.
    Hub,
}

/// Layer of the API: refuses whoever shows no good proof, and hands the [`Principal`] on.
///
/// `router.layer(axum::middleware::from_fn_with_state(auth, auth::extract::api))`
pub async fn api(State(auth): State<AuthState>, request: Request, next: Next) -> Response {
    admit(&auth, Surface::Api, request, next).await
}

/// Layer of the hub.
pub async fn hub(State(auth): State<AuthState>, request: Request, next: Next) -> Response {
    admit(&auth, Surface::Hub, request, next).await
}

async fn admit(auth: &AuthState, surface: Surface, mut request: Request, next: Next) -> Response {
    match principal(auth, surface, request.headers(), request.uri()).await {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Who sends a request with this head?
pub async fn principal(
    auth: &AuthState,
    surface: Surface,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Principal, Problem> {
    let token = token(surface, headers, uri)?;
    auth.authenticate(&token, surface).await
}

fn token(surface: Surface, headers: &HeaderMap, uri: &Uri) -> Result<String, Fault> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let value = value
            .to_str()
            .map_err(|_| Fault::MalformedToken("the header holds more than ASCII"))?;
        let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Fault::MalformedToken("the scheme is not Bearer"));
        }
        let token = token.trim();
        return if token.is_empty() {
            Err(Fault::MissingToken)
        } else {
            Ok(token.to_owned())
        };
    }
    let query = uri
        .query()
        .filter(|_| surface == Surface::Hub)
        .unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, token)| name == "access_token" && !token.is_empty())
        .map(|(_, token)| token.into_owned())
        .ok_or(Fault::MissingToken)
}

/// The principal that the layer put into the request.
impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Fault::MissingToken.into())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_query_counts_on_the_hub_only_and_the_header_first() {
        let uri = Uri::from_static("/hubs/workflow?id=x&access_token=from%2Dquery");
        let mut headers = HeaderMap::new();
        assert_eq!(
            token(Surface::Hub, &headers, &uri),
            Ok("from-query".to_owned())
        );
        assert_eq!(
            token(Surface::Api, &headers, &uri),
            Err(Fault::MissingToken)
        );
        headers.insert(
            header::AUTHORIZATION,
            HeaderValue::from_static("bearer from-header"),
        );
        assert_eq!(
            token(Surface::Hub, &headers, &uri),
            Ok("from-header".to_owned())
        );
        headers.insert(
            header::AUTHORIZATION,
            HeaderValue::from_static("Basic YTpi"),
        );
        assert!(matches!(
            token(Surface::Hub, &headers, &uri),
            Err(Fault::MalformedToken(_))
        ));
    }
}
