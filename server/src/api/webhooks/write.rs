//! `PUT` and `DELETE /api/v1/webhooks/{id}`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json as Answer};
use http::StatusCode;
use jiff::SignedDuration;
use serde::Serialize;
use sqlx::Connection as _;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{WebhookBody, key};
use super::may_write;
use crate::api::Api;
use crate::api::body::Json;
use crate::api::problem::Problem;
use crate::auth::Principal;
use crate::store::webhooks as store;
use crate::webhooks::{MOST_A_SERVICE, secret};

/// For so long the secret before the new one signs too.
const ROTATION: SignedDuration = SignedDuration::from_hours(24);

/// A webhook that was written.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Written {
    /// Your id of it.
    #[schema(example = "receipts")]
    id: String,
    /// Signs what is sent. Told when it was made by this call, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")]
    secret: Option<String>,
}

/// Create or change a webhook
///
/// Signed as Standard Webhooks has it. Events count from the answer on; one that was disabled is sent to again, beginning
/// with what waits. At most 10 a service. The credential needs the scopes `publish` and `read`.
#[utoipa::path(
    put, path = "/webhooks/{id}", tag = "webhooks", request_body = WebhookBody,
    params(("id" = String, Path, description = "Your own id of it: 1 to 64 letters, digits, `._-`")),
    responses(
        (status = 201, description = "Created; with the secret, if it was made here", body = Written),
        (status = 200, description = "Changed; with the secret, if a new one was made here", body = Written),
        (status = 403, description = "The credential lacks a scope", body = Problem),
        (status = 409, description = "The service has 10 already", body = Problem),
        (status = 422, description = "A field is wrong", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn put(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
    Json(mut body): Json<WebhookBody>,
) -> Result<Response, Problem> {
    let service = may_write(&principal)?;
    key(&id)?;
    let brought = body.check(api.webhooks.allows_private())?;
    let now = api.clock.now();
    let mut conn = api.pool.acquire().await?;
    let mut tx = conn.begin().await?;
    let count = store::count(&mut tx, service).await?;
    let (status, made) = match store::lock(&mut tx, service, &id).await? {
        None => {
            if count >= MOST_A_SERVICE {
                return Err(Problem::new(
                    StatusCode::CONFLICT,
                    "too_many",
                    format!("The service has {MOST_A_SERVICE} webhooks; remove one first."),
                ));
            }
            let made = brought.is_none().then(|| secret::make(&api.ids));
            let new = store::New {
                id: api.ids.uuid(),
                tenant: principal.tenant,
                service,
                key: &id,
                url: &body.url,
                events: &body.events,
                secret: brought.as_deref().or(made.as_deref()).unwrap_or_default(),
            };
            store::create(&mut tx, &new, now).await?;
            (StatusCode::CREATED, made)
        }
        Some(before) => {
            let made = body.rotate_secret.then(|| secret::make(&api.ids));
            let next = brought.as_deref().or(made.as_deref());
            let next = next.filter(|secret| *secret != before.secret);
            let next = next.map(|secret| (secret, now + ROTATION));
            store::change(&mut tx, before.id, &body.url, &body.events, next, now).await?;
            (StatusCode::OK, made)
        }
    };
    tx.commit().await?;
    drop(conn);
    api.webhooks.changed().await?;
    let secret = made.map(|made| secret::text(&made));
    Ok((status, Answer(Written { id, secret })).into_response())
}

/// Remove a webhook
///
/// With all that waits for it.
#[utoipa::path(
    delete, path = "/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses(
        (status = 204, description = "Removed, or never there"),
        (status = 403, description = "The credential lacks a scope", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn remove(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let service: Uuid = may_write(&principal)?;
    let mut conn = api.pool.acquire().await?;
    let mut tx = conn.begin().await?;
    if let Some(webhook) = store::lock(&mut tx, service, &id).await? {
        store::remove(&mut tx, webhook.id).await?;
    }
    tx.commit().await?;
    drop(conn);
    api.webhooks.changed().await?;
    Ok(StatusCode::NO_CONTENT)
}
