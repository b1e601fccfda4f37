//! `POST /api/v1/notifications/batch`: many at once, each with its own result.

use std::time::Instant;

use axum::extract::State;
use axum::{Extension, Json as Answer};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::publish::{self, Published};
use crate::api::Api;
use crate::api::body::{self, Json};
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::delivery::draft::PublishRequest;

const MOST_ITEMS: usize = 1_000;
/// Of the whole body: 1,000 items of 16 KiB. A single item may have what a single publish may.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Body of `POST /api/v1/notifications/batch`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BatchRequest {
    /// At most 1,000, each as for `POST /notifications`.
    #[schema(value_type = Vec<PublishRequest>)]
    notifications: Vec<Box<RawValue>>,
}

/// What became of each, in the order of the request.
#[derive(Serialize, ToSchema)]
pub(super) struct BatchAnswer {
    /// How many were accepted, duplicates counted.
    accepted: usize,
    /// How many were refused.
    refused: usize,
    /// One a notification.
    results: Vec<BatchResult>,
}

/// What became of one.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum BatchResult {
    /// Committed.
    Accepted {
        /// 202.
        status: u16,
        #[serde(flatten)]
        published: Published,
    },
    /// Nothing of it was stored.
    Refused {
        /// As a single publish would have been answered.
        status: u16,
        /// Why.
        problem: Problem,
    },
}

/// Publish many notifications
///
/// Each is accepted or refused by itself: one bad item harms none of its neighbours. They are committed in the
/// order of the request, in several commits if they are many; the answer comes after the last.
#[utoipa::path(
    post, path = "/notifications/batch", tag = "notifications", request_body = BatchRequest,
    responses(
        (status = 200, description = "Each has its own result", body = BatchAnswer),
        (status = 400, description = "Malformed JSON, with line and column", body = Problem),
        (status = 401, description = "No good credential", body = Problem),
        (status = 403, description = "The credential lacks the scope `publish`", body = Problem),
        (status = 413, description = "Over 16 MiB", body = Problem),
        (status = 422, description = "More than 1,000 items", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn publish_many(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<BatchRequest, MOST_BYTES>,
) -> Result<Answer<BatchAnswer>, Problem> {
    principal.require(Scope::Publish)?;
    principal.require_service()?;
    let items = request.notifications;
    if items.is_empty() || items.len() > MOST_ITEMS {
        return Err(Problem::invalid(
            "notifications",
            format!("{} items; give 1 to {MOST_ITEMS}.", items.len()),
        ));
    }
    let mut results: Vec<Option<BatchResult>> = Vec::with_capacity(items.len());
    let mut drafts = Vec::new();
    for item in items {
        match parse(&item).and_then(|request| publish::check(&api, &principal, request)) {
            Ok(draft) => {
                drafts.push(draft);
                results.push(None);
            }
            Err(problem) => {
                api.publish.refused(&problem);
                results.push(Some(refused(problem)));
            }
        }
    }
    let begun = Instant::now();
    let mut answers = api.committer.publish_all(drafts).await.into_iter();
    let results: Vec<BatchResult> = results
        .into_iter()
        .map(|result| {
            result.unwrap_or_else(|| match answers.next() {
                Some(Ok(accepted)) => {
                    api.publish.accepted(&accepted, begun.elapsed());
                    BatchResult::Accepted {
                        status: StatusCode::ACCEPTED.as_u16(),
                        published: accepted.into(),
                    }
                }
                Some(Err(refusal)) => {
                    let problem = publish::problem(refusal);
                    api.publish.refused(&problem);
                    refused(problem)
                }
                None => refused(Problem::unavailable()),
            })
        })
        .collect();
    let accepted = results
        .iter()
        .filter(|result| matches!(result, BatchResult::Accepted { .. }))
        .count();
    Ok(Answer(BatchAnswer {
        accepted,
        refused: results.len() - accepted,
        results,
    }))
}

fn parse(item: &RawValue) -> Result<PublishRequest, Problem> {
    let text = item.get().as_bytes();
    if text.len() > body::LIMIT {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!(
                "{} KiB; a notification may have at most {} KiB.",
                text.len().div_ceil(1024),
                body::LIMIT / 1024
            ),
        ));
    }
    body::parse(text)
}

fn refused(problem: Problem) -> BatchResult {
    BatchResult::Refused {
        status: problem.status.as_u16(),
        problem,
    }
}
