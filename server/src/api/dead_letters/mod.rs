//! `/api/v1/dead-letters`: what could not be delivered, and sending it again.

mod list;
mod send_again;

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::problem::Problem;
use crate::store::dead_letters::{Cursor, Filter};

/// The routes of this noun, relative to `/api/v1`.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(send_again::send_again))
}

/// Which ones. What is left out matches all.
#[derive(Clone, Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = DeadLetterFilter)]
struct Which {
    /// `expired`, `ladder_ended`, `user_removed`, `retention`.
    reason: String,
    /// Kind of the notification.
    kind: String,
    /// Your id of the user.
    user: String,
    /// Part of a user's name or id, or of a title.
    search: String,
    /// Go on after this: `next` of the page before.
    after: String,
}

impl Which {
    fn filter(&self, service: Uuid, open: bool) -> Filter {
        Filter {
            service: Some(service),
            reason: self.reason.clone(),
            kind: self.kind.clone(),
            user: self.user.clone(),
            search: self.search.clone(),
            open,
        }
    }

    fn after(&self) -> Result<Option<Cursor>, Problem> {
        let words = [
            ("reason", &self.reason),
            ("kind", &self.kind),
            ("user", &self.user),
            ("search", &self.search),
        ];
        if let Some((field, _)) = words.iter().find(|(_, word)| word.contains('\0')) {
            return Err(Problem::invalid(*field, "Text may not contain U+0000."));
        }
        if self.after.is_empty() {
            return Ok(None);
        }
        Cursor::read(&self.after).map(Some).ok_or_else(|| {
            Problem::invalid("after", "Give the `next` of the page before, as it came.")
        })
    }
}
