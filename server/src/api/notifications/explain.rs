//! `GET /api/v1/notifications/{id}/explain?user=`.

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::api::Api;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::explain::{self, Explained, Question};

/// Whom it is about.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct About {
    /// Your id of the user.
    #[serde(default)]
    user: String,
}

/// Explain a notification to one user
///
/// Why they got it, or why not: everything that happened, in its order, and what comes next and when. Another
/// service's notification does not exist.
#[utoipa::path(
    get, path = "/notifications/{id}/explain", tag = "notifications",
    params(("id" = Uuid, Path), About),
    responses(
        (status = 200, description = "As of now", body = Explained),
        (status = 403, description = "The credential lacks the scope `read`", body = Problem),
        (status = 404, description = "There is no such one for this service", body = Problem),
        (status = 422, description = "No user is named", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn explain(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
    Query(about): Query<About>,
) -> Result<Json<Explained>, Problem> {
    principal.require(Scope::Read)?;
    let service = principal.require_service()?;
    let missing = || Problem::not_found("notification");
    let id = Uuid::try_parse(&id).map_err(|_| missing())?;
    if about.user.is_empty() || about.user.contains('\0') {
        return Err(Problem::invalid(
            "user",
            "Name the user: ?user=… , your own id.",
        ));
    }
    let mut conn = api.pool.acquire().await?;
    let question = Question {
        tenant: principal.tenant,
        service: Some(service),
        id,
        user: &about.user,
        classes: &api.workplace.classes,
        online: &|user| api.hub.is_online(user),
        now: api.clock.now(),
    };
    let explained = explain::explain(&mut conn, question).await?;
    explained.map(Json).ok_or_else(missing)
}
