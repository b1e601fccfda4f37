//! `POST /api/v1/webhooks/{id}/test`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::changing;
use crate::api::Api;
use crate::api::problem::Problem;
use crate::auth::Principal;

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tested {
    /// The receiver answered 2xx.
    taken: bool,
    /// What it answered, if it did.
    status: Option<u16>,
    /// What was wrong.
    error: Option<String>,
    /// As in the header of the request.
    webhook_id: Uuid,
}

/// Try a webhook
///
/// Sends one signed request of the type `webhook.test` without events and answers what came of it, after 15 seconds at
/// most. It is not sent again, whatever the answer, and changes nothing of the webhook's state.
#[utoipa::path(
    post, path = "/webhooks/{id}/test", tag = "webhooks", params(("id" = String, Path)),
    responses(
        (status = 200, description = "It was tried", body = Tested),
        (status = 403, description = "The credential lacks a scope", body = Problem),
        (status = 404, description = "The service has no such webhook", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn test(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Json<Tested>, Problem> {
    let tested = changing(&api, &principal)?.test(&id).await?;
    Ok(Json(Tested {
        taken: tested.answer.taken,
        status: tested.answer.status,
        error: tested.answer.failure,
        webhook_id: tested.id,
    }))
}
