//! `/api/v1/notifications`: publish, take back, and read what became of it.

mod batch;
mod cancel;
mod explain;
pub mod publish;
pub mod read;
mod receipts;

pub(crate) use read::state_word;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;

/// The routes of this noun, relative to `/api/v1`.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(publish::publish, cancel::cancel_thread))
        .routes(routes!(batch::publish_many))
        .routes(routes!(read::read, cancel::cancel))
        .routes(routes!(receipts::follow))
        .routes(routes!(explain::explain))
}
