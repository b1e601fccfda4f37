//! `POST /api/v1/notifications`.

use std::time::Instant;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json as Answer};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Api;
use crate::api::body::Json;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::delivery::committer::{Accepted, Refusal};
use crate::delivery::draft::{Draft, Origin, PublishRequest};

/// What a publisher learns, after the commit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Published {
    /// The notification's id; the first one's for a duplicate.
    pub id: Uuid,
    /// To how many users; of one that is routed later or in pages, as far as is known now.
    pub recipients: usize,
    /// The idempotency key was known: nothing was published now.
    pub duplicate: bool,
    /// Names passed over; only with `allow_unknown`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// Publish a notification
///
/// Answers after the commit: from then on it is delivered to every recipient at least once, until
/// acknowledged, expired or cancelled.
#[utoipa::path(
    post, path = "/notifications", tag = "notifications", request_body = PublishRequest,
    responses(
        (status = 202, description = "Accepted: it is committed", body = Published),
        (status = 400, description = "Malformed JSON, with line and column", body = Problem),
        (status = 401, description = "No good credential", body = Problem),
        (status = 403, description = "The credential lacks the scope `publish`", body = Problem),
        (status = 409, description = "The idempotency key was used with another body", body = Problem),
        (status = 413, description = "Over 256 KiB", body = Problem),
        (status = 422, description = "A field is wrong, or names in the audience are unknown", body = Problem),
        (status = 503, description = "The database is away: nothing was stored, or, its connection lost in the commit, that is not known. Try again, best with an idempotency key", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn publish(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    request: Result<Json<PublishRequest>, Problem>,
) -> Result<Response, Problem> {
    let published = match request {
        Ok(Json(request)) => commit(&api, &principal, request).await,
        Err(problem) => Err(problem),
    };
    let body = published.inspect_err(|problem| api.publish.refused(problem))?;
    Ok((StatusCode::ACCEPTED, Answer(body)).into_response())
}

async fn commit(
    api: &Api,
    principal: &Principal,
    request: PublishRequest,
) -> Result<Published, Problem> {
    principal.require(Scope::Publish)?;
    let draft = check(api, principal, request)?;
    let begun = Instant::now();
    let accepted = api.committer.publish(draft).await.map_err(problem)?;
    api.publish.accepted(&accepted, begun.elapsed());
    Ok(accepted.into())
}

/// A request as the committer takes it, under an id of its own.
pub(super) fn check(
    api: &Api,
    principal: &Principal,
    request: PublishRequest,
) -> Result<Draft, Problem> {
    let publisher = principal.publisher();
    request.check(Origin {
        id: api.ids.uuid(),
        tenant: principal.tenant,
        service: principal.require_service()?,
        publisher: &publisher,
        classes: &api.workplace.classes,
        now: api.clock.now(),
    })
}

impl From<Accepted> for Published {
    fn from(accepted: Accepted) -> Self {
        Self {
            id: accepted.id,
            recipients: accepted.recipients,
            duplicate: accepted.duplicate,
            unknown: accepted.unknown,
        }
    }
}

/// A refusal as its publisher sees it.
pub(crate) fn problem(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Unknown(names) => {
            let list: Vec<String> =
                names.iter().take(20).map(|(what, name)| format!("{what} \"{name}\"")).collect();
            let more = if names.len() > 20 {
                format!(" and {} more", names.len() - 20)
            } else {
                String::new()
            };
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "unknown_recipient",
                format!(
                    "Unknown: {}{more}. Provision them first (PUT /api/v1/users/{{id}} and the like), or \
                     set allow_unknown to pass them over. Nothing was stored.",
                    list.join(", ")
                ),
            )
            .at(format!("audience.{}s", names.first().map_or("user", |(what, _)| what)))
        }
        Refusal::TooMany { count, most } => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "audience_too_large",
            format!(
                "{count} recipients; your tenant allows {most} of one notification. Publish to a smaller \
                 audience, or have the operator raise the bound. Nothing was stored."
            ),
        )
        .at("audience"),
        Refusal::KeyReused => Problem::new(
            StatusCode::CONFLICT,
            "idempotency_key_reused",
            "This idempotency key was used with another body. Use a new key for a new notification.",
        )
        .at("idempotency_key"),
        Refusal::Invalid(text) => {
            tracing::warn!(%text, "the database refused a publication that passed the checks");
            Problem::invalid("body", "The database refused this notification; nothing was stored.")
        }
        Refusal::Unavailable => Problem::unavailable(),
    }
}
