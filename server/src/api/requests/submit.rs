//! `POST /api/v1/requests`.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json as Answer};
use http::{StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Api;
use crate::api::body::Json;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::workplace::approvals::{self, NewRequest, NewStep};

/// Body of `POST /api/v1/requests`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubmitRequest {
    /// `purchase`, `leave`, `travel`, `contract`, `equipment`, `correction`, `other`, or a word of
    /// your own: chooses the icon.
    #[schema(example = "purchase")]
    pub kind: String,
    /// One line.
    #[schema(example = "12 laptop stands for the service desk")]
    pub subject: String,
    /// The key fact, written out.
    #[serde(default)]
    #[schema(example = "€ 540.00")]
    pub amount: Option<String>,
    /// Label and value, in the order they are shown.
    #[serde(default)]
    #[schema(value_type = Vec<Vec<String>>)]
    pub fields: Vec<(String, String)>,
    /// Your id of who asks.
    pub requester: String,
    /// Your ids of who can decide; the first of them decides for all. Without them: the manager.
    #[serde(default)]
    pub approvers: Vec<String>,
    /// When it should be decided (RFC 3339).
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Timestamp>,
    /// Your own id of it: submitted again, it answers the first one.
    #[serde(default)]
    pub source_id: Option<String>,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Submitted {
    /// Its id.
    pub id: Uuid,
    /// For people.
    #[schema(example = "REQ-2026-01847")]
    pub number: String,
    /// The `source_id` was known: nothing was done now.
    pub duplicate: bool,
}

/// Ask for an approval
///
/// Those who can decide are told at once, and their list of approvals shows it.
#[utoipa::path(
    post, path = "/requests", tag = "requests", request_body = SubmitRequest,
    responses(
        (status = 201, description = "Submitted", body = Submitted),
        (status = 200, description = "The `source_id` was known", body = Submitted),
        (status = 400, description = "Malformed JSON, with line and column", body = Problem),
        (status = 401, description = "No good credential", body = Problem),
        (status = 403, description = "The credential lacks the scope `publish`", body = Problem),
        (status = 413, description = "Over 256 KiB", body = Problem),
        (status = 422, description = "A field is wrong, or somebody named is unknown", body = Problem),
        (status = 503, description = "The database is away; nothing was stored, try again", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn submit(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<SubmitRequest>,
) -> Result<Response, Problem> {
    principal.require(Scope::Publish)?;
    let steps = if request.approvers.is_empty() {
        Vec::new()
    } else {
        vec![NewStep {
            name: String::new(),
            approvers: request.approvers,
        }]
    };
    let new = NewRequest {
        tenant: principal.tenant,
        service: principal.require_service()?,
        requester: request.requester,
        kind: request.kind,
        subject: request.subject,
        amount: request.amount.unwrap_or_default(),
        fields: request.fields,
        steps,
        due_at: request.due_at,
        source_id: request.source_id,
    };
    let approvals::Submitted {
        id,
        number,
        created,
    } = approvals::submit(&api.workplace, new).await?;
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let body = Submitted {
        id,
        number,
        duplicate: !created,
    };
    let location = [(header::LOCATION, format!("/api/v1/requests/{id}"))];
    Ok((status, location, Answer(body)).into_response())
}
