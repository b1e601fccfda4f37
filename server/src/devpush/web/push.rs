//! One push to one browser: envelope, signature, seal, and what the page's service worker does with it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Extension, Path, State as From_};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::card::Card;
use super::super::device::{Browser, Device, Kind, Received};
use super::super::listen::Wire;
use super::super::state::State;
use super::envelope::Envelope;
use super::open::open;
use super::refusal::{Fault, Refusal};
use super::vapid;

/// Apple gives up on a subscription after so many pushes that showed nothing.
const SILENT: u32 = 3;

pub(in super::super) async fn push(
    From_(state): From_<Arc<State>>,
    Path(id): Path<String>,
    wire: Option<Extension<Wire>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let wire = wire.map(|Extension(wire)| wire).unwrap_or_default();
    state.counters.sends.fetch_add(1, Ordering::Relaxed);
    let step = {
        let mut held = state.held.lock();
        let device = held.devices.get_mut(&id);
        device
            .and_then(|device| device.script.pop_front())
            .unwrap_or_default()
    };
    tokio::time::sleep(Duration::from_millis(state.latency())).await;
    let response = match step.before().await {
        Some(response) => response,
        None => handle(&state, &id, &headers, &body),
    };
    step.after(&wire, response).await
}

fn handle(state: &State, id: &str, headers: &HeaderMap, body: &[u8]) -> Response {
    let now = state.now();
    let mut held = state.held.lock();
    let Some(device) = held.devices.get_mut(id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Kind::Browser { browser, .. } = device.kind else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match accept(device, browser, state.address.port(), headers, body, now) {
        Ok(ttl) => {
            let at = format!("/message/{}", state.ids.uuid().simple());
            let headers = [
                (header::LOCATION, at),
                ("ttl".parse().unwrap_or(header::AGE), ttl),
            ];
            (StatusCode::CREATED, headers).into_response()
        }
        Err(refusal) => refusal.answer(browser),
    }
}

/// Takes the push in; answers the TTL as the service keeps it.
fn accept(
    device: &mut Device,
    browser: Browser,
    port: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<String, Refusal> {
    let envelope = Envelope::read(headers, browser)?;
    if device.gone {
        return Err(Refusal(Fault::Gone, "unsubscribed"));
    }
    let Kind::Browser {
        private,
        public,
        auth,
        server_key,
        ..
    } = &mut device.kind
    else {
        return Err(Refusal(Fault::Gone, "no browser"));
    };
    let host = browser.host();
    let asked = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    if asked.is_some_and(|asked| asked != format!("{host}:{port}")) {
        return Err(Refusal(Fault::Gone, "another service's endpoint"));
    }
    let origin = format!("http://{host}:{port}");
    let signed = headers.get(header::AUTHORIZATION);
    let signed = signed.and_then(|value| value.to_str().ok());
    let key = vapid::check(signed, &origin, server_key.as_deref(), now)?;
    server_key.get_or_insert(key);
    let opened = open(body, private, public, auth)?;
    let content: Value = serde_json::from_slice(&opened.plaintext)
        .unwrap_or_else(|_| json!(String::from_utf8_lossy(&opened.plaintext)));
    // Chrome's service makes a collapse key of it.
    let collapsible = browser == Browser::Chrome && envelope.topic.is_some() && envelope.ttl > 0;
    let late = collapsible && !device.bucket.take(now);
    // A revoked subscription goes on answering 201.
    if !device.revoked {
        device.got(Received {
            at: now,
            content: content.clone(),
            envelope: json!({
                "ttl": envelope.ttl, "urgency": envelope.urgency, "topic": envelope.topic,
                "bytes": body.len(), "padded": opened.padded,
            }),
            late,
        });
        if !late {
            show(device, browser, &content, &envelope, now);
        }
    }
    Ok(envelope.ttl.min(28 * 24 * 3600).to_string())
}

/// What our service worker does (`docs/push.md`).
fn show(
    device: &mut Device,
    browser: Browser,
    content: &Value,
    envelope: &Envelope,
    now: Timestamp,
) {
    let text = |name: &str| content[name].as_str().unwrap_or_default().to_owned();
    if let Some(badge) = content["badge"].as_u64() {
        device.badge = Some(badge);
    }
    let withdraw = content["purpose"] == "withdraw";
    if withdraw && content["visible"] != true {
        device.screen.withdraw(&text("tag"), now);
        device.silent += 1;
        device.revoked |= browser == Browser::Apple && device.silent >= SILENT;
        return;
    }
    device.screen.draw(Card {
        tag: text("tag"),
        title: text("title"),
        body: text("body"),
        link: content["link"].as_str().map(str::to_owned),
        high: !withdraw && envelope.urgency.as_deref() == Some("high"),
        drawn: now,
        replaced: 0,
        withdrawn: None,
        touched: None,
        settled: withdraw,
    });
}
