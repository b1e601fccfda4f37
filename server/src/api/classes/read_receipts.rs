//! `/api/v1/read-receipts`: whether people are told what others have read.

use axum::extract::State;
use axum::{Extension, Json as Answer};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::write::changing;
use crate::api::Api;
use crate::api::body::Json;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::store::classes as store;

/// The switch.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadReceipts {
    /// Who reads something of a thread is told to the others who take part in it. Off at first.
    enabled: bool,
}

/// Read whether people are told what others have read
#[utoipa::path(
    get, path = "/read-receipts", tag = "classes",
    responses(
        (status = 200, description = "As it is", body = ReadReceipts),
        (status = 403, description = "The credential lacks the scope `provision`", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn read(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
) -> Result<Answer<ReadReceipts>, Problem> {
    principal.require(Scope::Provision)?;
    let mut conn = api.pool.acquire().await?;
    let enabled = store::read_receipts(&mut conn, principal.tenant).await?;
    Ok(Answer(ReadReceipts { enabled }))
}

/// Set whether people are told what others have read
///
/// Of the whole tenant. When on, marking a notification as read that has a `thread_key` sends `ReadReceipt` to the
/// others of the thread who are connected. What publishers see of their own notifications does not depend on it.
#[utoipa::path(
    put, path = "/read-receipts", tag = "classes", request_body = ReadReceipts,
    responses(
        (status = 204, description = "It is committed"),
        (status = 403, description = "The credential lacks the scope `provision`", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn set(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Json(wanted): Json<ReadReceipts>,
) -> Result<StatusCode, Problem> {
    let changing = changing(&api, &principal)?;
    changing.set_read_receipts(wanted.enabled).await?;
    Ok(StatusCode::NO_CONTENT)
}
