//! `/users/{id}/erase`: what is personal goes, the skeleton of what happened stays.
//!
//! A path of its own and no parameter of `DELETE`: deactivating is taken back by the next `PUT`, erasing by nothing,
//! and that must not hang on a parameter that a client library or a proxy drops. And it has something to read.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::check::Id;
use super::user_write;
use crate::api::problem::Problem;
use crate::auth::{AuthState, Principal, Scope};
use crate::outbox::removal::{NAMELESS, REASON, Removals};
use crate::store::identity::users;
use crate::store::removals::{self, Removal};
use crate::store::sessions;

/// Pages of 500 deliveries that are gone through before the answer; what is left goes after it.
const AT_ONCE: usize = 4;

/// How far an erasure is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Erasure {
    /// Your id of the user.
    #[schema(example = "u-1042")]
    id: String,
    state: Progress,
    /// When it was asked for. From then on the user has no name, signs in nowhere and gets nothing.
    asked_at: Timestamp,
    /// When nothing was left.
    erased_at: Option<Timestamp>,
    /// Deliveries there were to be gone through.
    found: i64,
    /// Deliveries that were gone through, those of the last moment included.
    deliveries: i64,
    /// Of these, how many were owed still: they ended as `dead`, with the reason `user_removed`.
    ended: i64,
    /// Notifications that had gone to this user alone, and were emptied.
    contents: i64,
    /// Devices and push registrations that were forgotten; they go last, so that cards disappear from phones first.
    devices: i64,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Progress {
    Erasing,
    Erased,
}

impl Erasure {
    fn of(id: String, removal: &Removal) -> Response {
        let (status, state) = match removal.done_at {
            Some(_) => (StatusCode::OK, Progress::Erased),
            None => (StatusCode::ACCEPTED, Progress::Erasing),
        };
        let body = Self {
            id,
            state,
            asked_at: removal.asked_at,
            erased_at: removal.done_at,
            found: removal.found,
            deliveries: removal.deliveries,
            ended: removal.ended,
            contents: removal.contents,
            devices: removal.devices,
        };
        (status, Json(body)).into_response()
    }
}

/// Erase a user
///
/// For a request under privacy law; nobody takes it back. At once: the name, login, memberships, PINs and sessions are
/// gone, and connections close. Then, page by page: what was owed ends as `dead` with the reason `user_removed`; title,
/// body, data, thread and collapse key of what went to this user alone; marks of the inbox, names of devices; last the
/// devices and push registrations. What others were sent too stays theirs. Ids, times, states and counts stay, and so do
/// requests and punches, under a neutral name. Asking again answers how far it is.
#[utoipa::path(
    post, path = "/users/{id}/erase", tag = "provisioning",
    params(("id" = String, Path, description = "Your own id of the user")),
    responses(
        (status = 200, description = "Nothing is left", body = Erasure),
        (status = 202, description = "It is committed that it happens; `GET` says how far it is", body = Erasure),
        (status = 403, description = "The credential lacks the scope `provision`", body = Problem),
        (status = 404, description = "There never was such a user", body = Problem),
    ),
)]
pub(super) async fn erase(
    State(auth): State<AuthState>,
    principal: Principal,
    Id(id): Id,
) -> Result<Response, Problem> {
    principal.require(Scope::Provision)?;
    let (tenant, now) = (principal.tenant, auth.clock().now());
    let mut tx = auth.pool().begin().await?;
    let user = users::lock(&mut tx, tenant, &id)
        .await?
        .ok_or_else(|| Problem::not_found("user"))?;
    let whose = (tenant, user.id);
    let before = removals::of(&mut tx, user.id).await?;
    if before.is_some_and(|removal| removal.erase && !user.active) {
        tx.commit().await?;
        return told(&auth, user.id, id).await;
    }
    removals::forget_person(&mut tx, whose, NAMELESS, now).await?;
    removals::empty_scheduled(&mut tx, whose, REASON, now).await?;
    removals::empty_refused(&mut tx, tenant, &id).await?;
    let ended = sessions::end_of_users(&mut tx, tenant, &[user.id]).await?;
    removals::ask(&mut tx, whose, true, now).await?;
    tx.commit().await?;
    user_write::tell(
        &auth,
        tenant,
        std::iter::once(id.as_str()),
        &[user.id],
        ended,
    );
    let removals = Removals {
        pool: auth.pool().clone(),
        clock: auth.clock().clone(),
        changed: Arc::new(|_| {}),
    };
    for _ in 0..AT_ONCE {
        if removals.round(Some(user.id)).await? == 0 {
            break;
        }
    }
    auth.people_removed();
    told(&auth, user.id, id).await
}

/// Read how far an erasure is
#[utoipa::path(
    get, path = "/users/{id}/erase", tag = "provisioning",
    params(("id" = String, Path, description = "Your own id of the user")),
    responses(
        (status = 200, description = "Nothing is left", body = Erasure),
        (status = 202, description = "It goes on", body = Erasure),
        (status = 403, description = "The credential lacks the scope `provision`", body = Problem),
        (status = 404, description = "Nobody asked to erase such a user", body = Problem),
    ),
)]
pub(super) async fn progress(
    State(auth): State<AuthState>,
    principal: Principal,
    Id(id): Id,
) -> Result<Response, Problem> {
    principal.require(Scope::Provision)?;
    let mut conn = auth.pool().acquire().await?;
    let user = users::inner(&mut conn, principal.tenant, &id)
        .await?
        .ok_or_else(|| Problem::not_found("erasure"))?;
    drop(conn);
    told(&auth, user, id).await
}

async fn told(auth: &AuthState, user: uuid::Uuid, id: String) -> Result<Response, Problem> {
    let mut conn = auth.pool().acquire().await?;
    let removal = removals::of(&mut conn, user).await?;
    let removal = removal.filter(|removal| removal.erase);
    Ok(Erasure::of(
        id,
        &removal.ok_or_else(|| Problem::not_found("erasure"))?,
    ))
}
