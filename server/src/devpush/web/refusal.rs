//! How each service says no.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::super::device::Browser;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// VAPID: missing, forged, of another key, for somebody else.
    Auth,
    Ttl,
    Topic,
    Header,
    /// Not sealed for this browser, or not as the RFC wants it.
    Body,
    TooLarge,
    Gone,
}

/// A fault and what exactly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal(pub(super) Fault, pub(super) &'static str);

impl Refusal {
    pub(super) fn answer(self, browser: Browser) -> Response {
        let Self(fault, why) = self;
        let status = match (fault, browser) {
            (Fault::Auth, Browser::Mozilla | Browser::Wns) => StatusCode::UNAUTHORIZED,
            (Fault::Auth, _) => StatusCode::FORBIDDEN,
            (Fault::TooLarge, _) => StatusCode::PAYLOAD_TOO_LARGE,
            (Fault::Gone, _) => StatusCode::GONE,
            _ => StatusCode::BAD_REQUEST,
        };
        match browser {
            Browser::Mozilla => {
                // autopush's numbers
                let errno = match fault {
                    Fault::Auth => 109,
                    Fault::Ttl => 112,
                    Fault::Topic => 113,
                    Fault::Header => 111,
                    Fault::Body => 110,
                    Fault::TooLarge => 104,
                    Fault::Gone => 106,
                };
                let body = json!({"code": status.as_u16(), "errno": errno,
                                  "error": status.canonical_reason(), "message": why});
                (status, Json(body)).into_response()
            }
            Browser::Apple => {
                let reason = match fault {
                    Fault::Auth => "BadJwtToken",
                    Fault::Ttl => "BadTtl",
                    Fault::Topic => "BadTopic",
                    Fault::Header => "BadHeader",
                    Fault::Body => "BadPayload",
                    Fault::TooLarge => "PayloadTooLarge",
                    Fault::Gone => "Unregistered",
                };
                (status, Json(json!({ "reason": reason }))).into_response()
            }
            Browser::Wns => {
                let mut response = status.into_response();
                let headers = response.headers_mut();
                headers.insert("x-wns-status", HeaderValue::from_static("dropped"));
                headers.insert("x-wns-error-description", HeaderValue::from_static(why));
                response
            }
            Browser::Chrome => (status, why).into_response(),
        }
    }
}
