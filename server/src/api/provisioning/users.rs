//! `/users`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::{self, Done, Many};
use super::check::{self, Id};
use super::user_body::UserBody;
use super::{BULK, user_write};
use crate::api::body::Json;
use crate::api::problem::Problem;
use crate::auth::{AuthState, Principal, Scope};
use crate::store::identity::{Outcome, users};
use crate::store::{removals, sessions};

/// Many users, at most 1,000.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Users {
    items: Vec<UserBody>,
}

/// Create or change a user
#[utoipa::path(
    put, path = "/users/{id}", tag = "provisioning", request_body = UserBody,
    params(("id" = String, Path, description = "Your own id of the user, 1-128 bytes")),
    responses(
        (status = 201, description = "Created", body = Done),
        (status = 200, description = "Changed, or the same as before", body = Done),
        (status = 403, description = "The credential lacks the scope `provision`", body = Problem),
        (status = 409, description = "Login or PIN is somebody else's, or the user is being erased", body = Problem),
        (status = 422, description = "A field is wrong or names what is not there", body = Problem),
    ),
)]
pub(super) async fn put_one(
    State(auth): State<AuthState>,
    principal: Principal,
    Id(id): Id,
    Json(body): Json<UserBody>,
) -> Result<Response, Problem> {
    principal.require(Scope::Provision)?;
    check::single(&id, &body)?;
    let outcomes = user_write::write(&auth, &principal, vec![(id.clone(), body)], false).await?;
    Ok(answer::one(
        id,
        outcomes.first().copied().unwrap_or(Outcome::Unchanged),
    ))
}

/// Create or change many users, all or none
#[utoipa::path(
    put, path = "/users", tag = "provisioning", request_body = Users,
    responses(
        (status = 200, description = "All are written", body = Many),
        (status = 409, description = "A login or PIN is somebody else's, or a user is being erased; nothing is written", body = Problem),
        (status = 413, description = "Over 1 MiB", body = Problem),
        (status = 422, description = "An item is wrong, see `field`; nothing is written", body = Problem),
    ),
)]
pub(super) async fn put_many(
    State(auth): State<AuthState>,
    principal: Principal,
    Json(body): Json<Users, BULK>,
) -> Result<Response, Problem> {
    principal.require(Scope::Provision)?;
    let items = check::bulk(body.items)?;
    Ok(answer::many(
        &user_write::write(&auth, &principal, items, true).await?,
    ))
}

/// Deactivate a user
///
/// History stays readable; the user receives nothing more and cannot sign in. What was owed to them ends as `dead`
/// with the reason `user_removed`, and disappears from their phones. A later `PUT` activates the same user again. To
/// have what is personal removed too, `POST /users/{id}/erase`.
#[utoipa::path(
    delete, path = "/users/{id}", tag = "provisioning",
    params(("id" = String, Path, description = "Your own id of the user")),
    responses((status = 204, description = "Inactive, or never there")),
)]
pub(super) async fn delete(
    State(auth): State<AuthState>,
    principal: Principal,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    principal.require(Scope::Provision)?;
    let tenant = principal.tenant;
    let mut tx = auth.pool().begin().await?;
    let gone = users::deactivate(&mut tx, tenant, &id, auth.clock().now()).await?;
    let gone = gone.into_iter().collect::<Vec<_>>();
    for user in &gone {
        removals::ask(&mut tx, (tenant, *user), false, auth.clock().now()).await?;
    }
    let ended = sessions::end_of_users(&mut tx, tenant, &gone).await?;
    tx.commit().await?;
    auth.people_removed();
    user_write::tell(&auth, tenant, std::iter::once(id.as_str()), &gone, ended);
    Ok(StatusCode::NO_CONTENT)
}
