//! The app on a device: its user taps a card or wipes it away, and it acknowledges with the credential it got when
//! it registered, as `docs/push.md` tells apps to.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State as From_};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::{Host, Url};

use super::state::State;

/// What the app acknowledges with, and where.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// `http://127.0.0.1:7420/api/v1/acks`; this machine only.
    pub acks: Url,
    /// Answer of `RegisterPushToken`.
    pub credential: SecretString,
}

impl App {
    /// These stand-ins speak with this machine only, and in clear.
    fn is_here(&self) -> bool {
        let here = match self.acks.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        here && self.acks.scheme() == "http"
    }
}

/// How a card leaves the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Touch {
    /// Its user opened it.
    Tap,
    /// Its user wiped it away: the device has it, and that is all one knows.
    Dismiss,
}

impl Touch {
    fn via(self) -> &'static str {
        match self {
            Self::Tap => "tap",
            Self::Dismiss => "push",
        }
    }
}

pub(super) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/devices/{id}/app", post(install))
        .route("/devices/{id}/cards/{tag}/tap", post(tap))
        .route("/devices/{id}/cards/{tag}/dismiss", post(dismiss))
}

async fn install(
    From_(state): From_<Arc<State>>,
    Path(id): Path<String>,
    Json(app): Json<App>,
) -> Response {
    if !app.is_here() {
        let why = "acks: name http and this machine";
        return (StatusCode::UNPROCESSABLE_ENTITY, why).into_response();
    }
    if state.install(&id, app) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

async fn tap(From_(state): From_<Arc<State>>, Path((id, tag)): Path<(String, String)>) -> Response {
    touch(&state, &id, &tag, Touch::Tap).await
}

async fn dismiss(
    From_(state): From_<Arc<State>>,
    Path((id, tag)): Path<(String, String)>,
) -> Response {
    touch(&state, &id, &tag, Touch::Dismiss).await
}

/// Back to the page, whatever came of it: what failed stands on the device.
async fn touch(state: &State, id: &str, tag: &str, how: Touch) -> Response {
    let now = state.now();
    let app = {
        let mut held = state.held.lock();
        let Some(device) = held.devices.get_mut(id) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        if !device.screen.touch(tag, how, now) {
            return Redirect::to("/").into_response(); // withdrawn meanwhile
        }
        device.app.clone()
    };
    let trouble = match app {
        Some(app) => acknowledge(&app, tag, how).await.err(),
        None => None,
    };
    if let Some(device) = state.held.lock().devices.get_mut(id) {
        device.trouble = trouble;
    }
    Redirect::to("/").into_response()
}

async fn acknowledge(app: &App, notification: &str, how: Touch) -> Result<(), String> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(5))
        .build()
        .map_err(|error| error.to_string())?;
    let answer = http
        .post(app.acks.clone())
        .bearer_auth(app.credential.expose_secret())
        .json(&json!({"ids": [notification], "via": how.via()}))
        .send()
        .await;
    match answer {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!(
            "not acknowledged: the server answered {}",
            answer.status()
        )),
        Err(error) => Err(format!("not acknowledged: {}", error.without_url())),
    }
}
