//! `DELETE /api/v1/notifications/{id}` and `?thread_key=`: taking back.

use axum::extract::{Path, Query, State};
use axum::{Extension, Json as Answer};
use serde::{Deserialize, Serialize};
use sqlx::Connection as _;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::own;
use crate::api::Api;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::delivery::withdraw;
use crate::store::withdraw as store;

/// Which thread.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct Thread {
    /// Every notification of this thread.
    thread_key: Option<String>,
    /// Only those of this kind.
    kind: Option<String>,
}

/// What was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cancelled {
    /// Those that had not been taken back before.
    cancelled: Vec<Uuid>,
}

/// Take a notification back
///
/// It is delivered to nobody any more and disappears from every screen and phone, also from those that are away
/// now. One that was scheduled is never routed. Doing it twice is doing it once.
#[utoipa::path(
    delete, path = "/notifications/{id}", tag = "notifications", params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "It is committed", body = Cancelled),
        (status = 403, description = "The credential lacks the scope `publish`", body = Problem),
        (status = 404, description = "There is no such one for this service", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn cancel(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Answer<Cancelled>, Problem> {
    principal.require(Scope::Publish)?;
    let service = principal.require_service()?;
    let id = own(&api, (principal.tenant, service), &id).await?;
    take_back(&api, (principal.tenant, service), &[id]).await
}

/// Take a thread back
///
/// Every notification of the thread, as `DELETE /notifications/{id}` does; at most the 1,000 oldest in one call.
#[utoipa::path(
    delete, path = "/notifications", tag = "notifications", params(Thread),
    responses(
        (status = 200, description = "It is committed", body = Cancelled),
        (status = 403, description = "The credential lacks the scope `publish`", body = Problem),
        (status = 422, description = "No thread is named", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn cancel_thread(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Query(thread): Query<Thread>,
) -> Result<Answer<Cancelled>, Problem> {
    principal.require(Scope::Publish)?;
    let whose = (principal.tenant, principal.require_service()?);
    let Some(key) = thread.thread_key.filter(|key| !key.is_empty()) else {
        return Err(Problem::invalid(
            "thread_key",
            "Name the thread: ?thread_key=… . To take back one notification, DELETE /notifications/{id}.",
        ));
    };
    let mut conn = api.pool.acquire().await?;
    let kind = thread.kind.as_deref();
    let ids = store::of_thread(&mut conn, whose, &key, kind, api.clock.now()).await?;
    drop(conn);
    take_back(&api, whose, &ids).await
}

async fn take_back(
    api: &Api,
    whose: (Uuid, Uuid),
    ids: &[Uuid],
) -> Result<Answer<Cancelled>, Problem> {
    let (now, id) = (api.clock.now(), api.ids.uuid());
    let mut conn = api.pool.acquire().await?;
    let mut tx = conn.begin().await?;
    let cancelled = withdraw::cancel(&mut tx, whose, ids, "cancelled", id, now).await?;
    tx.commit().await?;
    api.watch.moved_in(whose.0);
    api.workplace.pages.notify_one();
    Ok(Answer(Cancelled { cancelled }))
}
