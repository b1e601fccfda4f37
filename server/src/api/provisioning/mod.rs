//! `/api/v1/{users,departments,groups,services,sites}`: the customer's system says who there is.
//!
//! Every write may be repeated: 201 made, 200 changed or unchanged, 204 removed or never there. All
//! ids are the customer's own, looked up in the tenant of the credential and nowhere else. In bulk
//! all items are written or none, and an error names the item. What changed is told to the hub and
//! to the cache of `auth` after the commit.

mod answer;
mod check;
mod erase;
mod named;
mod services;
mod sites;
mod user_body;
mod user_write;
mod users;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::AuthState;

/// Items a request may carry.
const MOST_ITEMS: usize = 1_000;
/// Bytes of a request with many items.
const BULK: usize = 1024 * 1024;

/// The routes, relative to `/api/v1`.
pub(super) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    AuthState: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(users::put_one, users::delete))
        .routes(routes!(users::put_many))
        .routes(routes!(erase::erase, erase::progress))
        .routes(routes!(named::put_department, named::delete_department))
        .routes(routes!(named::put_departments))
        .routes(routes!(named::put_group, named::delete_group))
        .routes(routes!(named::put_groups))
        .routes(routes!(services::put_one, services::delete))
        .routes(routes!(services::put_many))
        .routes(routes!(sites::put_one))
        .routes(routes!(sites::put_many))
}

#[cfg(test)]
mod tests;
