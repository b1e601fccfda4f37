//! Web Push for our own screens: the service worker, and where it registers this browser.
//!
//! The worker registers, not the page: it lives longer than a page, and there is one of it for all tabs, so that two
//! tabs never take each other's credential away. It has the session's cookie for that; what it acknowledges with
//! later, when the session may be over, is the device's credential.

use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, put};
use axum::{Extension, Json, Router};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderName, StatusCode};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

use app::backend::Caller;

use crate::api::problem::Problem;
use crate::hub::{Applicant, Hub, NotRegistered, device_name};

/// The worker, and what it calls. Goes inside of [`session::caller`](super::session::caller).
pub(super) fn routes(hub: Arc<Hub>) -> Router {
    Router::new()
        .route(app::features::device_push::WORKER, get(worker))
        .route("/push/registration", put(register).delete(unregister))
        .layer(DefaultBodyLimit::max(16 * 1024))
        .with_state(hub)
}

const WORKER: &str = include_str!("worker.js");

/// From the root, so that its scope is the whole site. A browser asks for it at least once a day, and each time
/// it is registered: an old one lives no longer than that.
async fn worker() -> Response {
    let service_worker_allowed = HeaderName::from_static("service-worker-allowed");
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
        // A worker has a policy of its own: it loads nothing, and speaks with this site only.
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; connect-src 'self'; frame-ancestors 'none'",
        ),
        (service_worker_allowed, "/"),
    ];
    (headers, WORKER).into_response()
}

/// This browser, as it subscribed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribed {
    /// The browser's name, the one its hub connections have.
    device: String,
    /// `PushSubscription.toJSON()`.
    subscription: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Leaving {
    device: String,
}

async fn register(
    State(hub): State<Arc<Hub>>,
    Extension(caller): Extension<Option<Caller>>,
    Json(new): Json<Subscribed>,
) -> Result<Response, Problem> {
    let caller = signed_in(caller)?;
    let device = named(&new.device)?;
    let subscription = new.subscription.to_string();
    let applicant = Applicant {
        tenant: Uuid::from_u128(caller.tenant),
        user: Uuid::from_u128(caller.user),
        device: &device,
        platform: "webpush",
        token: &subscription,
    };
    let credential = hub
        .register_push(&applicant)
        .await
        .map_err(|error| match error {
            NotRegistered::Wrong(why) => Problem::invalid("subscription", why),
            NotRegistered::NoKey(_) => {
                Problem::new(StatusCode::CONFLICT, "no_web_push", error.to_string())
            }
            NotRegistered::Away(cause) => cause.into(),
        })?;
    let body = Json(json!({ "credential": credential.expose_secret() }));
    Ok(([(CACHE_CONTROL, "no-store")], body).into_response())
}

async fn unregister(
    State(hub): State<Arc<Hub>>,
    Extension(caller): Extension<Option<Caller>>,
    Json(leaving): Json<Leaving>,
) -> Result<StatusCode, Problem> {
    let caller = signed_in(caller)?;
    let device = named(&leaving.device)?;
    hub.unregister_push(Uuid::from_u128(caller.user), &device)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn signed_in(caller: Option<Caller>) -> Result<Caller, Problem> {
    caller.ok_or_else(|| Problem::unauthorized("signed_out", "You are signed out. Sign in again."))
}

fn named(device: &str) -> Result<Arc<str>, Problem> {
    device_name(None, Some(device)).ok_or_else(|| {
        Problem::invalid(
            "device",
            "A device's name has 1 to 64 letters, digits or characters of `._:-`.",
        )
    })
}

#[cfg(test)]
mod tests;
