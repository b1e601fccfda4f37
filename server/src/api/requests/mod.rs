//! `/api/v1/requests`: a back end asks for an approval, decides for somebody, reads how it stands.

pub mod decide;
pub mod read;
pub mod submit;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;

/// The routes of this noun, relative to `/api/v1`.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(submit::submit))
        .routes(routes!(read::read))
        .routes(routes!(decide::decide))
}
