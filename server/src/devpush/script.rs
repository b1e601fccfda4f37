//! What a device's next sends shall be answered with, one entry a send; then as usual again.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::listen::Wire;

/// One entry. Without a `status` the send is handled as usual, with what else stands here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Step {
    /// Answer this instead of handling it.
    pub(super) status: Option<u16>,
    /// FCM's `errorCode`.
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    /// The body, instead of one in the service's own form.
    pub(super) body: Option<String>,
    pub(super) headers: BTreeMap<String, String>,
    /// Wait first.
    pub(super) delay_ms: u64,
    /// Handle it, and never answer.
    pub(super) hang: bool,
    /// Handle it, and cut the connection instead of answering: the sender cannot know.
    pub(super) cut: bool,
    /// Answer, and close the connection in good order (GOAWAY).
    pub(super) goaway: bool,
}

impl Step {
    /// What comes before handling; an answer ends it.
    pub(super) async fn before(&self) -> Option<Response> {
        tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
        let status = StatusCode::from_u16(self.status?).ok()?;
        let body = match (&self.body, &self.code) {
            (Some(body), _) => body.clone(),
            (None, None) if self.message.is_none() => String::new(),
            (None, code) => fcm_error(status, code.as_deref(), self.message.as_deref()),
        };
        let mut response = (status, Body::from(body)).into_response();
        for (name, value) in &self.headers {
            let (name, value) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>());
            if let (Ok(name), Ok(value)) = (name, value) {
                response.headers_mut().insert(name, value);
            }
        }
        Some(response)
    }

    /// What comes after it.
    pub(super) async fn after(&self, wire: &Wire, response: Response) -> Response {
        if self.goaway {
            wire.away.cancel();
        }
        if self.cut {
            wire.cut.cancel();
        }
        if self.cut || self.hang {
            std::future::pending::<()>().await;
        }
        response
    }
}

/// An error as FCM writes it.
pub(super) fn fcm_error(status: StatusCode, code: Option<&str>, message: Option<&str>) -> String {
    let name = match status.as_u16() {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    let details: Vec<_> = code
        .iter()
        .map(|code| {
            json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code})
        })
        .collect();
    json!({"error": {"code": status.as_u16(), "message": message.unwrap_or(name), "status": name,
                     "details": details}})
    .to_string()
}
