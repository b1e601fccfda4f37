//! Which request goes where: by path, verb and headers.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{Method, StatusCode, Uri, header::ACCEPT, request::Parts, uri::PathAndQuery};

use crate::{
    answer::{Refusal, uncached},
    endpoint::Endpoint,
    negotiate::negotiate,
    refresh::refresh,
    server::Shared,
    transports::{long_polling, send, server_sent_events, websocket},
    visit::Visit,
};

pub(crate) fn router<E: Endpoint, S: Clone + Send + Sync + 'static>(
    server: Arc<Shared<E>>,
) -> Router<S> {
    Router::new()
        .route("/", any(endpoint::<E>))
        .route("/{segment}", any(beside::<E>))
        .with_state(server)
}

/// `app`, which then finds these paths and what is below them in any case, as official servers do:
/// a request for `/TestHub/negotiate` reaches a hub that is nested at `/testhub`.
///
/// ```
/// # use axum::{Router, routing::get};
/// let app = Router::new().route("/testhub", get(|| async {}));
/// let app: Router = signalr::any_case(app, ["/testhub"]);
/// ```
///
/// # Panics
/// If two of the paths cannot be told apart: they differ in case only, or one is what another hub's
/// `negotiate` or `refresh` is found at. A mistake to be found at the first start: clients would
/// reach the wrong hub.
pub fn any_case<'a>(app: Router, paths: impl IntoIterator<Item = &'a str>) -> Router {
    let paths: Arc<[Box<str>]> = paths.into_iter().map(Box::from).collect();
    for (place, path) in paths.iter().enumerate() {
        let other = paths.iter().find(|other| shadows(path, other));
        assert!(other.is_none(), "the hub paths {path} and {other:?} clash");
        let twin = paths[..place]
            .iter()
            .find(|twin| twin.eq_ignore_ascii_case(path) && *twin != path);
        assert!(twin.is_none(), "the hub paths {path} and {twin:?} clash");
    }
    let spell = from_fn(move |mut request: Request, next: Next| {
        if let Some(uri) = respelled(request.uri(), &paths) {
            *request.uri_mut() = uri;
        }
        next.run(request)
    });
    // A layer around a fallback runs before the app's own routing.
    Router::new().fallback_service(app).layer(spell)
}

/// Whether `path` is a route of the hub at `other`.
fn shadows(path: &str, other: &str) -> bool {
    let (start, rest) = path.split_at_checked(other.len()).unwrap_or_default();
    start.eq_ignore_ascii_case(other)
        && ["/negotiate", "/refresh"]
            .iter()
            .any(|own| rest.eq_ignore_ascii_case(own))
}

/// The same address with its beginning as one of `paths` is spelled, `None` if it is that already.
fn respelled(uri: &Uri, paths: &[Box<str>]) -> Option<Uri> {
    let asked = uri.path();
    let named = |path: &&str| {
        let (start, rest) = asked.split_at_checked(path.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(path) && (rest.is_empty() || rest.starts_with('/'))
    };
    // Of `/app` and `/app/hub` the longer one is meant.
    let spelled = paths.iter().map(|path| &**path);
    let path = spelled.filter(named).max_by_key(|path| path.len())?;
    let rest = &asked[path.len()..];
    if asked.starts_with(path) {
        return None;
    }
    let query = uri
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(format!("{path}{rest}{query}")).ok();
    Uri::from_parts(parts).ok()
}

/// `negotiate` and `refresh` in any case; nothing else lives beside the endpoint.
async fn beside<E: Endpoint>(
    server: State<Arc<Shared<E>>>,
    Path(segment): Path<String>,
    request: Request,
) -> Response {
    if segment.eq_ignore_ascii_case("negotiate") {
        negotiate(server, request).await
    } else if segment.eq_ignore_ascii_case("refresh") {
        refresh(server, request).await
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

async fn endpoint<E: Endpoint>(State(server): State<Arc<Shared<E>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(principal) = parts.extensions.get::<E::Principal>().cloned() else {
        return Refusal::NoPrincipal.into_response();
    };
    let visit = Visit {
        server,
        principal,
        parts,
    };
    match visit.parts.method {
        Method::GET if websocket::is_upgrade(&visit.parts) => {
            refused(websocket::accept(visit).await)
        }
        Method::CONNECT => refused(websocket::accept(visit).await),
        Method::GET if wants_events(&visit.parts) => refused(server_sent_events::open(visit).await),
        Method::GET => uncached(refused(long_polling::poll(visit).await)),
        Method::POST => refused(send::send(visit, body).await),
        Method::DELETE => refused(long_polling::delete(&visit).await),
        _ => Refusal::Method.into_response(),
    }
}

fn refused(answer: Result<Response<Body>, Refusal>) -> Response {
    answer.unwrap_or_else(IntoResponse::into_response)
}

fn wants_events(parts: &Parts) -> bool {
    let mut accepts = parts
        .headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    accepts.any(|accept| accept.to_ascii_lowercase().contains("text/event-stream"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_respelled_up_to_its_last_whole_segment() {
        let paths = ["/testhub".into()];
        let of = |uri: &str| respelled(&uri.parse().unwrap(), &paths).map(|uri| uri.to_string());
        assert_eq!(
            of("/TestHub/Negotiate?A=B").as_deref(),
            Some("/testhub/Negotiate?A=B")
        );
        assert_eq!(
            of("https://x/TESTHUB?id=Q").as_deref(),
            Some("https://x/testhub?id=Q")
        );
        assert_eq!(of("/testhub/negotiate"), None);
        assert_eq!(of("/TestHubs"), None);
        assert_eq!(of("/tést"), None);
    }

    #[test]
    fn hubs_that_cannot_be_told_apart_are_refused() {
        let clash = |paths: &[&str]| {
            let paths = paths.to_vec();
            std::panic::catch_unwind(move || drop(any_case(Router::new(), paths))).is_err()
        };
        assert!(!clash(&["/hub", "/hub/other", "/hub/negotiate/b", "/hubs"]));
        assert!(!clash(&["/hub", "/hub"]), "the same one twice");
        assert!(clash(&["/hub", "/HUB"]));
        assert!(clash(&["/hub/Negotiate", "/Hub"]));
        assert!(clash(&["/hub", "/hub/refresh"]));
    }

    #[test]
    fn other_letters_name_the_same_hub_and_the_query_stays_as_it_is() {
        let hubs = ["/hubs/workflow", "/chat", "/chat/hub"].map(Box::from);
        let told = |uri: &str| respelled(&uri.parse().unwrap(), &hubs).map(|uri| uri.to_string());
        assert_eq!(
            told("/Hubs/WorkFlow/Negotiate?id=A%2bB").as_deref(),
            Some("/hubs/workflow/Negotiate?id=A%2bB")
        );
        assert_eq!(told("/CHAT").as_deref(), Some("/chat"));
        assert_eq!(told("/Chat/Hub").as_deref(), Some("/chat/hub"));
        assert_eq!(told("/chat/Hub").as_deref(), Some("/chat/hub"));
        assert_eq!(
            told("http://h:1/CHAT?x").as_deref(),
            Some("http://h:1/chat?x")
        );
        for same in [
            "/hubs/workflow?id=X",
            "/chat/negotiate",
            "/CHATS",
            "/hubs",
            "/",
            "/é",
        ] {
            assert_eq!(told(same), None, "{same}");
        }
    }
}
