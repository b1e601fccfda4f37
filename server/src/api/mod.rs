//! 1. A notification arrives: HTTP API v1. Thin: parse, ask `auth`, call the room that does it,
//! answer.

pub mod body;
pub mod notifications;
pub mod problem;
pub mod provisioning;
pub mod punches;
mod refusal;
pub mod requests;

use axum::Router;
use axum::extract::FromRef;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::auth::AuthState;
use crate::delivery::committer::Committer;
use crate::store::Pool;
use crate::support::clock::Clock;
use crate::support::ids::Ids;
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
    /// Approvals and attendance.
    pub workplace: Workplace,
    /// Who calls.
    pub auth: AuthState,
}

impl FromRef<Api> for AuthState {
    fn from_ref(api: &Api) -> Self {
        api.auth.clone()
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Bellhop", description = "Notifications that are known to have arrived.",
         license(name = "Apache-2.0 OR MIT")),
    servers((url = "/api/v1")),
    security(("bearer" = [])),
)]
struct Document;

/// Everything under `/api/v1`, and its description.
pub fn routes(api: Api) -> (Router, OpenApi) {
    let (router, document) = OpenApiRouter::with_openapi(Document::openapi())
        .merge(notifications::routes())
        .merge(provisioning::routes())
        .merge(punches::routes())
        .merge(requests::routes())
        .split_for_parts();
    let guarded = router
        .layer(axum::middleware::from_fn_with_state(
            api.auth.clone(),
            crate::auth::extract::api,
        ))
        .with_state(api);
    (guarded, document)
}
