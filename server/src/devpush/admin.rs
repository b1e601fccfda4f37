//! The stand-ins' own API: make devices, script their answers, look at their screens, turn the clock.
//! Without credentials, so it listens on loopback only.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::Router;
use axum::extract::{Path, State as From_};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::device::{Browser, Device, Kind};
use super::script::Step;
use super::state::{Settings, State};

pub(super) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/key", get(key))
        .route("/state", get(look))
        .route("/clock", post(clock))
        .route("/settings", post(settings))
        .route("/token/script", post(token_script))
        .route("/devices", post(make).get(list))
        .route("/devices/{id}", get(one).delete(remove))
        .route("/devices/{id}/script", post(script))
        .route("/devices/{id}/clear", post(clear))
}

async fn key(From_(state): From_<Arc<State>>) -> Response {
    let file = state.account.key_file(&state.token_uri());
    ([(header::CONTENT_TYPE, "application/json")], file).into_response()
}

async fn look(From_(state): From_<Arc<State>>) -> Json<Value> {
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let counters = &state.counters;
    Json(json!({
        "connections": read(&counters.connections),
        "sends": read(&counters.sends),
        "tokens": read(&counters.tokens),
        "paddedAssertions": read(&counters.padded),
        "sendsOverHttp1": read(&counters.http1),
        "now": state.now(),
        "settings": state.held.lock().settings,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Clock {
    /// How far the services' clock is ahead of this machine's.
    ahead_seconds: i64,
}

async fn clock(From_(state): From_<Arc<State>>, Json(clock): Json<Clock>) -> StatusCode {
    state.set_ahead(clock.ahead_seconds);
    StatusCode::NO_CONTENT
}

async fn settings(From_(state): From_<Arc<State>>, Json(new): Json<Settings>) -> StatusCode {
    state.held.lock().settings = new;
    StatusCode::NO_CONTENT
}

async fn token_script(
    From_(state): From_<Arc<State>>,
    Json(steps): Json<VecDeque<Step>>,
) -> StatusCode {
    state.held.lock().token_script = steps;
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    platform: Platform,
    #[serde(default)]
    name: Option<String>,
    /// Of "webpush": whose service.
    #[serde(default)]
    browser: Option<Browser>,
    /// Of "webpush": the key it subscribes with; without one, the first that writes.
    #[serde(default)]
    application_server_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Platform {
    Fcm,
    Webpush,
}

async fn make(From_(state): From_<Arc<State>>, Json(wanted): Json<Wanted>) -> Response {
    let browser = wanted.browser.unwrap_or(Browser::Chrome);
    let made = state.add(wanted.name, |id| match wanted.platform {
        Platform::Fcm => Some(Kind::phone(id, &state.ids)),
        Platform::Webpush => Kind::browser(browser, wanted.application_server_key, &state.ids),
    });
    let held = state.held.lock();
    match made.and_then(|id| held.devices.get(&id)) {
        Some(device) => {
            let answer = json!({
                "id": device.id,
                "platform": device.platform(),
                "tokenOrSubscription": device.registration(state.address.port()),
            });
            (StatusCode::CREATED, Json(answer)).into_response()
        }
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

pub(super) fn told(device: &Device) -> Value {
    json!({
        "id": device.id,
        "name": device.name,
        "platform": device.platform(),
        "gone": device.gone,
        "revoked": device.revoked,
        "silent": device.silent,
        "badge": device.badge,
        "screen": device.screen.shown().collect::<Vec<_>>(),
        "received": device.received,
    })
}

async fn list(From_(state): From_<Arc<State>>) -> Json<Value> {
    Json(state.held.lock().devices.values().map(told).collect())
}

async fn one(
    From_(state): From_<Arc<State>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let held = state.held.lock();
    let device = held.devices.get(&id).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(told(device)))
}

/// The app is uninstalled, the browser unsubscribed.
async fn remove(From_(state): From_<Arc<State>>, Path(id): Path<String>) -> StatusCode {
    change(&state, &id, |device| device.gone = true)
}

async fn script(
    From_(state): From_<Arc<State>>,
    Path(id): Path<String>,
    Json(steps): Json<VecDeque<Step>>,
) -> StatusCode {
    change(&state, &id, |device| device.script = steps)
}

/// Its screen and what it received are emptied.
async fn clear(From_(state): From_<Arc<State>>, Path(id): Path<String>) -> StatusCode {
    change(&state, &id, |device| {
        device.screen = super::card::Screen::default();
        device.received.clear();
    })
}

fn change(state: &State, id: &str, with: impl FnOnce(&mut Device)) -> StatusCode {
    match state.held.lock().devices.get_mut(id) {
        Some(device) => {
            with(device);
            StatusCode::NO_CONTENT
        }
        None => StatusCode::NOT_FOUND,
    }
}
