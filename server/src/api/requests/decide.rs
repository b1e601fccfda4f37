//! `POST /api/v1/requests/{id}/decision`: a back end decides for somebody who decided there.

use app::model::approval::{Decision, Verdict};
use axum::Extension;
use axum::Json as Answer;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::read::{self, Request};
use crate::api::Api;
use crate::api::body::Json;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::workplace::{Actor, approvals};

/// Body of `POST /api/v1/requests/{id}/decision`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecideRequest {
    /// Your id of the user who decides.
    pub user: String,
    /// `approve` or `reject`.
    #[schema(value_type = String, example = "approve")]
    pub verdict: Verdict,
    /// Required on a rejection, at most 2,000 characters.
    #[serde(default)]
    pub comment: Option<String>,
    /// The revision they saw: when the request was edited since, the decision is refused. Without
    /// it the decision is on the request as it stands.
    #[serde(default)]
    pub revision: Option<i32>,
}

/// Decide for a user
///
/// As if the user had decided on the screen; the same rules hold. The same decision again is
/// answered like the first.
#[utoipa::path(
    post, path = "/requests/{id}/decision", tag = "requests", request_body = DecideRequest,
    params(("id" = Uuid, Path, description = "Id of the request")),
    responses(
        (status = 200, description = "Decided; the request as it stands now", body = Request),
        (status = 400, description = "Malformed JSON, with line and column", body = Problem),
        (status = 401, description = "No good credential", body = Problem),
        (status = 403, description = "The credential lacks the scope `publish`, or the user may not decide", body = Problem),
        (status = 404, description = "There is no such request of this service, or the user has no part in it", body = Problem),
        (status = 409, description = "`already_decided` (with who and when) or `stale_revision`", body = Problem),
        (status = 422, description = "A field is wrong, or the user is unknown", body = Problem),
        (status = 503, description = "The database is away; nothing was stored, try again", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn decide(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
    Json(request): Json<DecideRequest>,
) -> Result<Answer<Request>, Problem> {
    principal.require(Scope::Publish)?;
    let service = principal.require_service()?;
    let id = Uuid::try_parse(&id).map_err(|_| read::missing())?;
    let mut conn = api.pool.acquire().await?;
    let current = read::of_service(&mut conn, principal.tenant, service, id).await?;
    drop(conn); // the use case takes its own: never two at once
    let user = api
        .auth
        .directory()
        .user(principal.tenant, &request.user, api.clock.now())
        .await?
        .filter(|user| user.active)
        .ok_or_else(|| {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "unknown_user",
                format!("There is no active user \"{}\".", request.user),
            )
            .at("user")
        })?;
    let actor = Actor {
        tenant: principal.tenant,
        user: user.id,
        roles: user.roles.clone(),
    };
    let decision = Decision {
        request: id.to_string(),
        revision: request.revision.unwrap_or(current),
        verdict: request.verdict,
        comment: request.comment.unwrap_or_default(),
    };
    approvals::decide(&api.workplace, &actor, decision).await?;
    let mut conn = api.pool.acquire().await?;
    Ok(Answer(
        read::request(&mut conn, principal.tenant, id).await?,
    ))
}
