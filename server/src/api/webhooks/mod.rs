//! `/api/v1/webhooks`: where a service is told what becomes of its notifications.

mod body;
mod read;
mod test;
mod write;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::problem::Problem;
use crate::auth::{Principal, Scope};

/// The routes of this noun, relative to `/api/v1`.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(read::list))
        .routes(routes!(read::read, write::put, write::remove))
        .routes(routes!(test::test))
}

/// Whoever says where receipts go must be allowed to read them.
fn may_write(principal: &Principal) -> Result<uuid::Uuid, Problem> {
    principal.require(Scope::Publish)?;
    principal.require(Scope::Read)?;
    principal.require_service()
}
