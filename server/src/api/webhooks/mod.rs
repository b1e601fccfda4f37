//! `/api/v1/webhooks`: where a service is told what becomes of its notifications.

mod body;
mod read;
mod test;
mod write;

use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::webhooks::changes::{Changing, Refused};

/// The routes of this noun, relative to `/api/v1`.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(read::list))
        .routes(routes!(read::read, write::put, write::remove))
        .routes(routes!(test::test))
}

/// Whoever says where receipts go must be allowed to read them.
fn changing<'a>(api: &'a Api, principal: &Principal) -> Result<Changing<'a>, Problem> {
    principal.require(Scope::Publish)?;
    principal.require(Scope::Read)?;
    Ok(Changing {
        webhooks: &api.webhooks,
        tenant: principal.tenant,
        service: principal.require_service()?,
    })
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let text = refused.to_string();
        match (refused.field(), refused) {
            (Some(field), _) => Self::invalid(field, text),
            (None, Refused::Database(error)) => error.into(),
            (None, Refused::TooMany) => Self::new(StatusCode::CONFLICT, "too_many", text),
            (None, _) => Self::not_found("webhook"),
        }
    }
}
