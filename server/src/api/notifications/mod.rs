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
use uuid::Uuid;

use super::Api;
use super::problem::Problem;
use crate::store::explain as store;

/// The routes of this noun, relative to `/api/v1`.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(publish::publish, cancel::cancel_thread))
        .routes(routes!(batch::publish_many))
        .routes(routes!(read::read, cancel::cancel))
        .routes(routes!(receipts::follow))
        .routes(routes!(explain::explain))
}

/// A notification of this tenant and service, by the id in the path; another's does not exist.
async fn own(api: &Api, (tenant, service): (Uuid, Uuid), id: &str) -> Result<Uuid, Problem> {
    let missing = || Problem::not_found("notification");
    let id = Uuid::try_parse(id).map_err(|_| missing())?;
    let mut conn = api.pool.acquire().await?;
    let head = store::head(&mut conn, tenant, service, id).await?;
    head.map(|_| id).ok_or_else(missing)
}
