//! `GET /api/v1/dead-letters`.

use axum::extract::{Query, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Which;
use crate::api::Api;
use crate::api::notifications::state_word;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::store::dead_letters::{self as store, Letter};

const PAGE: usize = 200;

/// A page of dead letters.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadLetters {
    /// At most 200, the latest first.
    items: Vec<DeadLetter>,
    /// All that match, counted up to 10,000.
    total: i64,
    /// Ask with `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A delivery that ended without an ack.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadLetter {
    /// Your id of the user; absent when the user was removed.
    user: Option<String>,
    /// The user's name.
    name: Option<String>,
    /// The user's number of it.
    seq: i64,
    /// The notification.
    notification: Uuid,
    /// Its kind; absent when its content is not kept any more.
    kind: Option<String>,
    /// Its title.
    title: Option<String>,
    /// `expired` or `dead`.
    state: &'static str,
    /// `expired`, `ladder_ended`, `user_removed`, `retention`.
    reason: String,
    /// When it ended.
    at: Timestamp,
    /// The notification that carries its content once more.
    sent_again: Option<Uuid>,
}

impl From<Letter> for DeadLetter {
    fn from(row: Letter) -> Self {
        Self {
            user: row.key,
            name: row.name,
            seq: row.seq,
            notification: row.notification,
            kind: row.kind,
            title: row.title,
            state: state_word(row.state),
            reason: row.reason,
            at: row.at.to_jiff(),
            sent_again: row.sent_again,
        }
    }
}

/// List dead letters
///
/// What ended without an ack: expired, or given up by its class's ladder. Only of notifications that this service
/// published.
#[utoipa::path(
    get, path = "/dead-letters", tag = "dead letters", params(Which),
    responses(
        (status = 200, description = "As of now", body = DeadLetters),
        (status = 403, description = "The credential lacks the scope `read`", body = Problem),
        (status = 422, description = "`after` is none", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Query(which): Query<Which>,
) -> Result<Json<DeadLetters>, Problem> {
    principal.require(Scope::Read)?;
    let filter = which.filter(principal.require_service()?, false);
    let after = which.after()?;
    let most = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let mut conn = api.pool.acquire().await?;
    let total = store::count(&mut conn, principal.tenant, &filter).await?;
    let mut rows = store::page(&mut conn, principal.tenant, &filter, after, 0, most).await?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|one| one.cursor().to_string());
    Ok(Json(DeadLetters {
        items: rows.into_iter().map(DeadLetter::from).collect(),
        total,
        next,
    }))
}
