//! What a write answers, one or many.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::identity::Outcome;

/// What one write did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Done {
    /// The id that was written.
    #[schema(example = "u-1042")]
    id: String,
    result: Change,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Change {
    Created,
    Changed,
    Unchanged,
}

/// What a request with many items did.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Many {
    created: usize,
    changed: usize,
    unchanged: usize,
}

/// 201 for what is new, else 200.
pub(super) fn one(id: String, outcome: Outcome) -> Response {
    let (status, result) = match outcome {
        Outcome::Created => (StatusCode::CREATED, Change::Created),
        Outcome::Changed => (StatusCode::OK, Change::Changed),
        Outcome::Unchanged => (StatusCode::OK, Change::Unchanged),
    };
    (status, Json(Done { id, result })).into_response()
}

/// Always 200: some items may be new, others not.
pub(super) fn many(outcomes: &[Outcome]) -> Response {
    let mut many = Many::default();
    for outcome in outcomes {
        match outcome {
            Outcome::Created => many.created += 1,
            Outcome::Changed => many.changed += 1,
            Outcome::Unchanged => many.unchanged += 1,
        }
    }
    Json(many).into_response()
}
