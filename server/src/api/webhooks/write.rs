//! `PUT` and `DELETE /api/v1/webhooks/{id}`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json as Answer};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::WebhookBody;
use super::changing;
use crate::api::Api;
use crate::api::body::Json;
use crate::api::problem::Problem;
use crate::auth::Principal;
use crate::webhooks::secret;

/// A webhook that was written.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Written {
    /// Your id of it.
    #[schema(example = "receipts")]
    id: String,
    /// Signs what is sent. Told when it was made by this call, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")]
    secret: Option<String>,
}

/// Create or change a webhook
///
/// Signed as Standard Webhooks has it. Events count from the answer on; one that was disabled is sent to again, beginning
/// with what waits. At most 10 a service. The credential needs the scopes `publish` and `read`.
#[utoipa::path(
    put, path = "/webhooks/{id}", tag = "webhooks", request_body = WebhookBody,
    params(("id" = String, Path, description = "Your own id of it: 1 to 64 letters, digits, `._-`")),
    responses(
        (status = 201, description = "Created; with the secret, if it was made here", body = Written),
        (status = 200, description = "Changed; with the secret, if a new one was made here", body = Written),
        (status = 403, description = "The credential lacks a scope", body = Problem),
        (status = 409, description = "The service has 10 already", body = Problem),
        (status = 422, description = "A field is wrong", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn put(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
    Json(body): Json<WebhookBody>,
) -> Result<Response, Problem> {
    let written = changing(&api, &principal)?.put(&id, body.into()).await?;
    let status = if written.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let secret = written.secret.map(|made| secret::text(&made));
    Ok((status, Answer(Written { id, secret })).into_response())
}

/// Remove a webhook
///
/// With all that waits for it.
#[utoipa::path(
    delete, path = "/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses(
        (status = 204, description = "Removed, or never there"),
        (status = 403, description = "The credential lacks a scope", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn remove(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    changing(&api, &principal)?.remove(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
