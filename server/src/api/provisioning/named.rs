//! `/departments` and `/groups`: an id and a name. Who is in them is said with each user.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::BULK;
use super::answer::{self, Done, Many};
use super::check::{self, Id, Item, inside};
use crate::api::body::Json;
use crate::api::problem::Problem;
use crate::auth::{AuthState, Principal, Scope};
use crate::store::identity::Outcome;
use crate::store::identity::named::{self, Kind};

/// A department or a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    /// Required in bulk; else the id is the path's.
    #[serde(default)]
    #[schema(example = "finance")]
    id: Option<String>,
    #[schema(example = "Finance")]
    name: String,
}

/// Many of them, at most 1,000.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedItems {
    items: Vec<Named>,
}

impl Item for Named {
    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// Create or rename a department
#[utoipa::path(
    put, path = "/departments/{id}", tag = "provisioning", request_body = Named,
    params(("id" = String, Path, description = "Your own id of the department, 1-128 bytes")),
    responses(
        (status = 201, description = "Created", body = Done),
        (status = 200, description = "Changed, or the same as before", body = Done),
        (status = 422, description = "A field is wrong", body = Problem),
    ),
)]
pub(super) async fn put_department(
    State(auth): State<AuthState>,
    principal: Principal,
    Id(id): Id,
    Json(body): Json<Named>,
) -> Result<Response, Problem> {
    put_one(&auth, &principal, Kind::Department, id, body).await
}

/// Create or rename many departments, all or none
#[utoipa::path(
    put, path = "/departments", tag = "provisioning", request_body = NamedItems,
    responses(
        (status = 200, description = "All are written", body = Many),
        (status = 422, description = "An item is wrong, see `field`; nothing is written", body = Problem),
    ),
)]
pub(super) async fn put_departments(
    State(auth): State<AuthState>,
    principal: Principal,
    Json(body): Json<NamedItems, BULK>,
) -> Result<Response, Problem> {
    put_many(&auth, &principal, Kind::Department, body).await
}

/// Remove a department
///
/// Its members stay, without it.
#[utoipa::path(
    delete, path = "/departments/{id}", tag = "provisioning",
    params(("id" = String, Path, description = "Your own id of the department")),
    responses((status = 204, description = "Removed, or never there")),
)]
pub(super) async fn delete_department(
    State(auth): State<AuthState>,
    principal: Principal,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    remove(&auth, &principal, Kind::Department, &id).await
}

/// Create or rename a group
#[utoipa::path(
    put, path = "/groups/{id}", tag = "provisioning", request_body = Named,
    params(("id" = String, Path, description = "Your own id of the group, 1-128 bytes")),
    responses(
        (status = 201, description = "Created", body = Done),
        (status = 200, description = "Changed, or the same as before", body = Done),
        (status = 422, description = "A field is wrong", body = Problem),
    ),
)]
pub(super) async fn put_group(
    State(auth): State<AuthState>,
    principal: Principal,
    Id(id): Id,
    Json(body): Json<Named>,
) -> Result<Response, Problem> {
    put_one(&auth, &principal, Kind::Group, id, body).await
}

/// Create or rename many groups, all or none
#[utoipa::path(
    put, path = "/groups", tag = "provisioning", request_body = NamedItems,
    responses(
        (status = 200, description = "All are written", body = Many),
        (status = 422, description = "An item is wrong, see `field`; nothing is written", body = Problem),
    ),
)]
pub(super) async fn put_groups(
    State(auth): State<AuthState>,
    principal: Principal,
    Json(body): Json<NamedItems, BULK>,
) -> Result<Response, Problem> {
    put_many(&auth, &principal, Kind::Group, body).await
}

/// Remove a group
///
/// Its members stay, without it.
#[utoipa::path(
    delete, path = "/groups/{id}", tag = "provisioning",
    params(("id" = String, Path, description = "Your own id of the group")),
    responses((status = 204, description = "Removed, or never there")),
)]
pub(super) async fn delete_group(
    State(auth): State<AuthState>,
    principal: Principal,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    remove(&auth, &principal, Kind::Group, &id).await
}

async fn put_one(
    auth: &AuthState,
    principal: &Principal,
    kind: Kind,
    id: String,
    body: Named,
) -> Result<Response, Problem> {
    principal.require(Scope::Provision)?;
    check::single(&id, &body)?;
    check::name(&body.name, "name")?;
    let mut conn = auth.pool().acquire().await?;
    let (tenant, new) = (principal.tenant, auth.ids().uuid());
    let outcome = named::put(&mut conn, kind, tenant, new, &id, &body.name).await?;
    Ok(answer::one(id, outcome))
}

async fn put_many(
    auth: &AuthState,
    principal: &Principal,
    kind: Kind,
    body: NamedItems,
) -> Result<Response, Problem> {
    principal.require(Scope::Provision)?;
    let items = check::bulk(body.items)?;
    for (index, (_, body)) in items.iter().enumerate() {
        check::name(&body.name, "name").map_err(|problem| inside(index, problem))?;
    }
    // One order for everybody, so that two requests never wait for each other in a ring.
    let mut items = items;
    items.sort_by(|a, b| a.0.cmp(&b.0));
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(items.len());
    let mut tx = auth.pool().begin().await?;
    for (id, body) in &items {
        let new = auth.ids().uuid();
        outcomes.push(named::put(&mut tx, kind, principal.tenant, new, id, &body.name).await?);
    }
    tx.commit().await?;
    Ok(answer::many(&outcomes))
}

async fn remove(
    auth: &AuthState,
    principal: &Principal,
    kind: Kind,
    id: &str,
) -> Result<StatusCode, Problem> {
    principal.require(Scope::Provision)?;
    let mut tx = auth.pool().begin().await?;
    let members = named::remove(&mut tx, kind, principal.tenant, id).await?;
    tx.commit().await?;
    auth.directory().forget_people();
    auth.people_changed(principal.tenant, &members);
    Ok(StatusCode::NO_CONTENT)
}
