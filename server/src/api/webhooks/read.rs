//! `GET /api/v1/webhooks` and `/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::store::webhooks::{self as store, Webhook};

/// How a webhook is doing.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    /// What there is to tell is taken.
    Active,
    /// The last request was not taken; it is sent again.
    Failing,
    /// Nothing is sent: see `disabled`. `PUT` it to have it sent again.
    Disabled,
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookState {
    /// Your id of it.
    #[schema(example = "receipts")]
    id: String,
    url: String,
    events: Vec<String>,
    state: Health,
    /// Why nothing is sent any more.
    disabled: Option<String>,
    disabled_at: Option<Timestamp>,
    /// The secret before this one signs too until then.
    old_secret_until: Option<Timestamp>,
    /// The receiver took something last.
    taken_at: Option<Timestamp>,
    /// And did not take something last; `last_status` and `last_error` until the next is taken.
    failed_at: Option<Timestamp>,
    last_status: Option<i16>,
    last_error: Option<String>,
    /// Events that are in no request yet, counted up to 10,000.
    waiting_events: i64,
    /// Requests that were not taken yet.
    waiting_requests: i64,
    /// Since when the oldest of them waits.
    waiting_since: Option<Timestamp>,
    /// Requests that were given up after a day; kept for 30 days, never sent again.
    dead_requests: i64,
}

/// Webhooks of the service.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookList {
    items: Vec<WebhookState>,
}

/// List the webhooks
#[utoipa::path(
    get, path = "/webhooks", tag = "webhooks",
    responses(
        (status = 200, description = "Those of this service, by id", body = WebhookList),
        (status = 403, description = "The credential lacks the scope `read`", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<WebhookList>, Problem> {
    principal.require(Scope::Read)?;
    let service = principal.require_service()?;
    let mut conn = api.pool.acquire().await?;
    let mut items = Vec::new();
    for webhook in store::list(&mut conn, service).await? {
        items.push(state(&mut conn, webhook, api.clock.now()).await?);
    }
    Ok(Json(WebhookList { items }))
}

/// Read a webhook
///
/// The secret is not told again.
#[utoipa::path(
    get, path = "/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses(
        (status = 200, description = "As it stands", body = WebhookState),
        (status = 403, description = "The credential lacks the scope `read`", body = Problem),
        (status = 404, description = "The service has no such webhook", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn read(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Json<WebhookState>, Problem> {
    principal.require(Scope::Read)?;
    let service = principal.require_service()?;
    let mut conn = api.pool.acquire().await?;
    let found = store::list(&mut conn, service).await?;
    let webhook = found.into_iter().find(|webhook| webhook.key == id);
    let webhook = webhook.ok_or_else(|| Problem::not_found("webhook"))?;
    Ok(Json(state(&mut conn, webhook, api.clock.now()).await?))
}

async fn state(
    conn: &mut PgConnection,
    webhook: Webhook,
    now: Timestamp,
) -> sqlx::Result<WebhookState> {
    let waiting = store::waiting(conn, webhook.id).await?;
    let at = |stamp: Option<jiff_sqlx::Timestamp>| stamp.map(jiff_sqlx::Timestamp::to_jiff);
    Ok(WebhookState {
        id: webhook.key,
        url: webhook.url,
        events: webhook.events,
        state: match (&webhook.disabled, &webhook.failure) {
            (Some(_), _) => Health::Disabled,
            (None, Some(_)) => Health::Failing,
            (None, None) => Health::Active,
        },
        disabled: webhook.disabled,
        disabled_at: at(webhook.disabled_at),
        old_secret_until: at(webhook.old_until).filter(|until| *until > now),
        taken_at: at(webhook.taken_at),
        failed_at: at(webhook.failed_at),
        last_status: webhook.status,
        last_error: webhook.failure,
        waiting_events: waiting.events,
        waiting_requests: waiting.requests,
        waiting_since: at(waiting.since),
        dead_requests: waiting.dead,
    })
}
