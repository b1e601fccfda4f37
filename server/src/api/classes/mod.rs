//! `/api/v1/classes` and `/api/v1/kinds`: how hard a tenant's notifications are tried; `/api/v1/unknown-kinds`: what
//! they are invoked as; `/api/v1/read-receipts`: who is told what was read.

mod preview;
mod read;
mod read_receipts;
mod unknown_kinds;
mod write;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::problem::Problem;
use crate::delivery::class_changes::Refused;
use http::StatusCode;

/// The routes of these nouns, relative to `/api/v1`.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(read::list))
        .routes(routes!(read_receipts::read, read_receipts::set))
        .routes(routes!(unknown_kinds::read, unknown_kinds::set))
        .routes(routes!(write::set_default))
        .routes(routes!(preview::preview))
        .routes(routes!(write::put, write::remove))
        .routes(routes!(write::put_kind, write::remove_kind))
}

/// A refusal as the caller of the API sees it; `field` is to blame where the text alone does not say.
fn problem(refused: Refused, field: &str) -> Problem {
    let text = refused.to_string();
    match refused {
        Refused::Key => Problem::invalid("key", text),
        Refused::Kind => Problem::invalid("kind", text),
        Refused::Flaw(flaw) => Problem::invalid(flaw.field, flaw.cure),
        Refused::Unknown(_) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_class", text).at(field)
        }
        Refused::InUse(_) => Problem::new(StatusCode::CONFLICT, "in_use", text),
        Refused::TooMany => Problem::new(StatusCode::CONFLICT, "too_many", text),
        Refused::Database(error) => error.into(),
    }
}
