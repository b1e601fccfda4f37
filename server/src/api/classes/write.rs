//! Changing classes, kinds and the default.

use app::model::delivery::Class;
use axum::Extension;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::problem;
use crate::api::Api;
use crate::api::body::Json;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::delivery::class_changes::Changing;

/// Which class.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    /// The key of a built-in class or of one of yours.
    #[schema(example = "decision")]
    class: String,
}

/// What is known of a kind.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Kind {
    /// The key of a built-in class or of one of yours. Left out: it has none of its own.
    #[serde(default)]
    #[schema(example = "decision")]
    class: Option<String>,
}

pub(super) fn changing<'a>(api: &'a Api, principal: &Principal) -> Result<Changing<'a>, Problem> {
    principal.require(Scope::Provision)?;
    Ok(Changing {
        pool: &api.pool,
        classes: &api.workplace.classes,
        tenant: principal.tenant,
        now: api.clock.now(),
    })
}

/// Create or change a class
///
/// One with the key of a built-in class takes its place. It counts for what is published from then on; of what was
/// published before, only the ladder changes, not what settles it.
#[utoipa::path(
    put, path = "/classes/{key}", tag = "classes", request_body = Class,
    params(("key" = String, Path, description = "A lower-case letter, then at most 63 letters, digits, `_`, `-`")),
    responses(
        (status = 201, description = "Created: it is committed"),
        (status = 204, description = "Changed: it is committed"),
        (status = 403, description = "The credential lacks the scope `provision`", body = Problem),
        (status = 409, description = "You have 1,000 already", body = Problem),
        (status = 422, description = "A field is wrong, `ladder[1].after` and the like", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn put(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(key): Path<String>,
    Json(class): Json<Class>,
) -> Result<StatusCode, Problem> {
    let new = changing(&api, &principal)?.put_class(&key, &class).await;
    Ok(if new.map_err(|refused| problem(refused, "key"))? {
        StatusCode::CREATED
    } else {
        StatusCode::NO_CONTENT
    })
}

/// Remove a class
///
/// A built-in class of its key is back. Refused while a kind has it, or while it is the default, and no built-in one
/// would take over.
#[utoipa::path(
    delete, path = "/classes/{key}", tag = "classes", params(("key" = String, Path)),
    responses(
        (status = 204, description = "Removed, or never there"),
        (status = 403, description = "The credential lacks the scope `provision`", body = Problem),
        (status = 409, description = "Still in use", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn remove(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(key): Path<String>,
) -> Result<StatusCode, Problem> {
    let removed = changing(&api, &principal)?.remove_class(&key).await;
    removed.map_err(|refused| problem(refused, "key"))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Set the default class
///
/// Of kinds that have none, when their publisher names none.
#[utoipa::path(
    put, path = "/classes/default", tag = "classes", request_body = Named,
    responses(
        (status = 204, description = "It is committed"),
        (status = 403, description = "The credential lacks the scope `provision`", body = Problem),
        (status = 422, description = "There is no such class", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn set_default(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Json(named): Json<Named>,
) -> Result<StatusCode, Problem> {
    let set = changing(&api, &principal)?.set_default(&named.class).await;
    set.map_err(|refused| problem(refused, "class"))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a kind known
///
/// With a class of its own, or without. A known kind is invoked as its own method, whatever is done with unknown ones
/// (`PUT /unknown-kinds`); spelled exactly so.
#[utoipa::path(
    put, path = "/kinds/{kind}", tag = "classes", request_body = Kind, params(("kind" = String, Path)),
    responses(
        (status = 204, description = "It is committed"),
        (status = 403, description = "The credential lacks the scope `provision`", body = Problem),
        (status = 409, description = "You have 1,000 already", body = Problem),
        (status = 422, description = "It is no kind, or there is no such class", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn put_kind(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(kind): Path<String>,
    Json(known): Json<Kind>,
) -> Result<StatusCode, Problem> {
    let changing = changing(&api, &principal)?;
    let set = changing.set_kind(&kind, known.class.as_deref()).await;
    set.map_err(|refused| problem(refused, "class"))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forget a kind
///
/// It has the default class then, and is not known any more.
#[utoipa::path(
    delete, path = "/kinds/{kind}", tag = "classes", params(("kind" = String, Path)),
    responses(
        (status = 204, description = "Forgotten, or never there"),
        (status = 403, description = "The credential lacks the scope `provision`", body = Problem),
        (status = 422, description = "It is no kind", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn remove_kind(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(kind): Path<String>,
) -> Result<StatusCode, Problem> {
    let removed = changing(&api, &principal)?.remove_kind(&kind).await;
    removed.map_err(|refused| problem(refused, "kind"))?;
    Ok(StatusCode::NO_CONTENT)
}
