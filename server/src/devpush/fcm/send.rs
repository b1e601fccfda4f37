//! `POST /v1/projects/{project}/messages:send`, and the phone at the other end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State as From_};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, Version, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::account::PROJECT;
use super::super::card::Card;
use super::super::device::{Device, Kind, Received};
use super::super::listen::Wire;
use super::super::script::{Step, fcm_error};
use super::super::state::State;
use super::body::{self, Message, seconds};

pub(super) async fn send(
    From_(state): From_<Arc<State>>,
    Path((project, call)): Path<(String, String)>,
    wire: Option<Extension<Wire>>,
    version: Version,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let wire = wire.map(|Extension(wire)| wire).unwrap_or_default();
    state.counters.sends.fetch_add(1, Ordering::Relaxed);
    if version < Version::HTTP_2 {
        state.counters.http1.fetch_add(1, Ordering::Relaxed);
    }
    if call != "messages:send" {
        return refused(StatusCode::NOT_FOUND, None, "no such method");
    }
    if !bearer_is_good(&state, &headers) {
        return refused(
            StatusCode::UNAUTHORIZED,
            None,
            "the access token is not valid",
        );
    }
    if project != PROJECT {
        return refused(StatusCode::NOT_FOUND, None, "no such project");
    }
    let sent = match body::read(&bytes) {
        Ok(sent) => sent,
        Err((field, why)) => return violated(&field, &why),
    };
    let Some(token) = sent.message.token.clone() else {
        return refused(
            StatusCode::BAD_REQUEST,
            Some("INVALID_ARGUMENT"),
            "no topics here",
        );
    };
    let raw: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let step = next_step(&state, &token);
    tokio::time::sleep(Duration::from_millis(state.latency())).await;
    let response = match step.before().await {
        Some(response) => response,
        None => deliver(&state, &token, &sent.message, sent.validate_only, raw),
    };
    step.after(&wire, response).await
}

fn bearer_is_good(state: &State, headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION);
    let token = given.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let now = state.now();
    let held = state.held.lock();
    token.is_some_and(|token| held.bearers.get(token).is_some_and(|until| now < *until))
}

fn of_token<'a>(
    devices: impl IntoIterator<Item = &'a mut Device>,
    wanted: &str,
) -> Option<&'a mut Device> {
    devices
        .into_iter()
        .find(|device| matches!(&device.kind, Kind::Phone { token } if token == wanted))
}

fn next_step(state: &State, token: &str) -> Step {
    let mut held = state.held.lock();
    let device = of_token(held.devices.values_mut(), token);
    device
        .and_then(|device| device.script.pop_front())
        .unwrap_or_default()
}

fn deliver(
    state: &State,
    token: &str,
    message: &Message,
    validate_only: bool,
    raw: Value,
) -> Response {
    let now = state.now();
    let mut held = state.held.lock();
    let Some(device) = of_token(held.devices.values_mut(), token) else {
        // What looks like a token is one that was; anything else never was.
        return if token.contains(":APA91b") {
            refused(
                StatusCode::NOT_FOUND,
                Some("UNREGISTERED"),
                "not registered",
            )
        } else {
            let why = "the registration token is malformed";
            refused(StatusCode::BAD_REQUEST, Some("INVALID_ARGUMENT"), why)
        };
    };
    if device.gone {
        return refused(
            StatusCode::NOT_FOUND,
            Some("UNREGISTERED"),
            "not registered",
        );
    }
    let name = format!("projects/{PROJECT}/messages/{}", state.ids.uuid().simple());
    if !validate_only {
        arrive(device, message, raw, now);
    }
    Json(json!({ "name": name })).into_response()
}

/// On the phone: the system draws, or the app carries out.
fn arrive(device: &mut Device, message: &Message, raw: Value, now: Timestamp) {
    let android = &message.android;
    let now_or_never = android.ttl.as_deref().and_then(seconds) == Some(0);
    let late = android.collapse_key.is_some() && !now_or_never && !device.bucket.take(now);
    let mut content = raw["message"].clone();
    if let Some(object) = content.as_object_mut() {
        object.remove("token");
    }
    device.got(Received {
        at: now,
        envelope: json!({"priority": android.priority, "ttl": android.ttl}),
        content,
        late,
    });
    if late {
        return;
    }
    let data = |name: &str| message.data.get(name).cloned();
    if let Some(badge) = data("badge").and_then(|badge| badge.parse().ok()) {
        device.badge = Some(badge);
    }
    if let Some(drawn) = &message.notification {
        let of_android = android.notification.as_ref();
        if let Some(count) = of_android.and_then(|it| it.notification_count) {
            device.badge = Some(count);
        }
        device.screen.draw(Card {
            // Without a tag, each is a card of its own.
            tag: of_android
                .and_then(|it| it.tag.clone())
                .unwrap_or_else(|| format!("untagged-{}", device.received.len())),
            title: drawn.title.clone(),
            body: drawn.body.clone(),
            link: data("link"),
            high: android.priority.as_deref() == Some("HIGH"),
            drawn: now,
            replaced: 0,
            withdrawn: None,
            touched: None,
            settled: false,
        });
    } else if data("purpose").as_deref() == Some("withdraw")
        && let Some(id) = data("notificationId")
    {
        device.screen.withdraw(&id, now);
    }
}

fn refused(status: StatusCode, code: Option<&str>, why: &str) -> Response {
    let body = fcm_error(status, code, Some(why));
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn violated(field: &str, why: &str) -> Response {
    let body = json!({"error": {
        "code": 400, "status": "INVALID_ARGUMENT", "message": format!("{field}: {why}"),
        "details": [{
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": field, "description": why}],
        }],
    }});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
