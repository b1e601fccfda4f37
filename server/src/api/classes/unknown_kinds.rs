//! `/api/v1/unknown-kinds`: which client method an item is invoked as whose kind the tenant has not made known.

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
use crate::delivery::class_changes::Invoke;

/// What is done with them.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UnknownKinds {
    /// `kind`, as it is at first: the method of the kind's name. `notification`: `Notification`, whose `kind` tells
    /// which it is.
    invoke: Invoke,
}

/// Read what unknown kinds are invoked as
#[utoipa::path(
    get, path = "/unknown-kinds", tag = "classes",
    responses(
        (status = 200, description = "As it is", body = UnknownKinds),
        (status = 403, description = "The credential lacks the scope `provision`", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn read(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
) -> Result<Answer<UnknownKinds>, Problem> {
    principal.require(Scope::Provision)?;
    let mut conn = api.pool.acquire().await?;
    let invoke = Invoke::read(&mut conn, principal.tenant).await?;
    Ok(Answer(UnknownKinds { invoke }))
}

/// Set what unknown kinds are invoked as
///
/// Of the whole tenant. Known are the kinds that you have put into `/kinds`, and those of this product's own:
/// `NotificationWithdrawn`, `NewTask`, `DocumentApproved`, `DocumentRejected`. It counts for what is sent from then on,
/// replays included; on other nodes within five seconds.
#[utoipa::path(
    put, path = "/unknown-kinds", tag = "classes", request_body = UnknownKinds,
    responses(
        (status = 204, description = "It is committed"),
        (status = 403, description = "The credential lacks the scope `provision`", body = Problem),
        (status = 422, description = "`invoke` is neither `kind` nor `notification`", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn set(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Json(wanted): Json<UnknownKinds>,
) -> Result<StatusCode, Problem> {
    let changing = changing(&api, &principal)?;
    changing.set_unknown_kinds(wanted.invoke).await?;
    Ok(StatusCode::NO_CONTENT)
}
