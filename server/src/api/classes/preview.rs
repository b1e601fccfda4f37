//! `POST /api/v1/classes/preview`.

use app::model::delivery::{Class, Preview, preview as tell};
use axum::{Extension, Json as Answer};

use crate::api::body::Json;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};

/// Preview a class
///
/// What would happen, and when, to a notification of this class: told for a user who acks nothing, for one whose
/// client never acks but reads, and for one with a phone. Nothing is stored.
#[utoipa::path(
    post, path = "/classes/preview", tag = "classes", request_body = Class,
    responses(
        (status = 200, description = "Three stories", body = Preview),
        (status = 403, description = "The credential lacks the scope `provision`", body = Problem),
        (status = 422, description = "A field is wrong, `ladder[1].after` and the like", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn preview(
    Extension(principal): Extension<Principal>,
    Json(class): Json<Class>,
) -> Result<Answer<Preview>, Problem> {
    principal.require(Scope::Provision)?;
    class
        .check()
        .map_err(|flaw| Problem::invalid(flaw.field, flaw.cure))?;
    Ok(Answer(tell(&class)))
}
