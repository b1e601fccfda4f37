//! `/api/v1/punches`: somebody pressed a finger on a device, or a system says so for them.

pub mod body;
pub mod record;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;

/// The routes of this noun, relative to `/api/v1`.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(record::record))
}
