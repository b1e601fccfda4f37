//! First step of the way, a notification arrives: HTTP API v1. Thin: parse, ask `auth`, call the
//! room that does it, answer.

pub mod acks;
pub mod body;
mod classes;
pub mod cors;
mod dead_letters;
mod docs;
pub mod events;
pub mod health;
pub mod metrics;
pub mod notifications;
pub mod problem;
pub mod provisioning;
pub mod punches;
mod refusal;
pub mod requests;
pub mod stream;
#[cfg(test)]
mod tests;
mod webhooks;

use std::sync::Arc;

use axum::extract::FromRef;
use axum::{Router, middleware};
use signalr::HubServer;
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use self::docs::Bearer;
use self::metrics::{EventMetrics, HubMetrics, PublishMetrics};
use crate::auth::{AuthState, Origins};
use crate::delivery::committer::Committer;
use crate::hub::Hub;
use crate::outbox::ack::Acks;
use crate::outbox::watch::Watch;
use crate::store::Pool;
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::webhooks::Webhooks;
use crate::workplace::Workplace;

/// What the handlers call.
#[derive(Clone)]
pub struct Api {
    /// For reading.
    pub pool: Pool,
    /// When it is.
    pub clock: Clock,
    /// Ids of what is published.
    pub ids: Ids,
    /// Where publications go.
    pub committer: Committer,
    /// Who is here.
    pub hub: Arc<Hub>,
    /// Bounds the connections of a user, event streams included.
    pub hub_server: HubServer<Hub>,
    /// Counts event streams.
    pub connections: Arc<HubMetrics>,
    /// Approvals and attendance.
    pub workplace: Workplace,
    /// Where devices say what they have.
    pub acks: Acks,
    /// Who follows receipts, and is to be woken.
    pub watch: Arc<Watch>,
    /// Where services are told of receipts.
    pub webhooks: Webhooks,
    /// The process stops: streams end.
    pub stopping: CancellationToken,
    /// Counts what is published.
    pub publish: PublishMetrics,
    /// Counts live events.
    pub events: EventMetrics,
    /// Which browsers may call; whoever changes services tells it.
    pub origins: Origins,
    /// Who calls.
    pub auth: AuthState,
}

impl FromRef<Api> for AuthState {
    fn from_ref(api: &Api) -> Self {
        api.auth.clone()
    }
}

const ABOUT: &str = "Notifications that are known to have arrived.\n\n\
    Every call carries `Authorization: Bearer` with an API key or a token. Bodies are JSON; a field \
    we do not know is refused. Errors are `application/problem+json` with a stable `code`, the \
    `field` where one is to blame, and what to do; on 503 try again after `Retry-After`. Ids of \
    users, departments and devices are your own strings. What belongs to another tenant, or to \
    another service of yours, does not exist.";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Bellhop", description = ABOUT, license(name = "Apache-2.0 OR MIT")),
    servers((url = "/api/v1")),
    security(("bearer" = [])),
    modifiers(&Bearer),
)]
struct Document;

/// Every operation, by whose door it stands behind.
struct Operations {
    /// API keys and tokens, in the header.
    api: Router<Api>,
    /// As the hub: users, with the token in the header or the query.
    hub: Router<Api>,
}

/// Every operation, and the description of all.
fn operations() -> (Operations, OpenApi) {
    let (api, mut document) = OpenApiRouter::with_openapi(Document::openapi())
        .merge(notifications::routes())
        .merge(events::routes())
        .merge(classes::routes())
        .merge(dead_letters::routes())
        .merge(provisioning::routes())
        .merge(punches::routes())
        .merge(requests::routes())
        .merge(acks::routes())
        .merge(webhooks::routes())
        .split_for_parts();
    let (hub, streams) = stream::routes().split_for_parts();
    document.merge(streams);
    (Operations { api, hub }, document)
}

/// Everything under `/api/v1`.
pub fn routes(api: Api) -> Router {
    let (operations, document) = operations();
    let guard = || middleware::from_fn_with_state(api.origins.clone(), cors::guard);
    let hub = operations
        .hub
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(guard())
        .layer(middleware::from_fn_with_state(
            api.auth.clone(),
            crate::auth::extract::hub,
        ));
    operations
        .api
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(guard())
        .layer(middleware::from_fn_with_state(
            api.auth.clone(),
            crate::auth::extract::api,
        ))
        .merge(hub)
        .with_state(api)
        .merge(docs::routes(&document))
}
