//! A receiver on this machine that keeps what it gets, and answers as it is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use http::{HeaderMap, StatusCode, header};
use parking_lot::Mutex;
use serde_json::Value;

use crate::support::lifecycle::Lifecycle;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) id: String,
    signatures: Vec<String>,
    pub(super) timestamp: String,
    pub(crate) body: Value,
    raw: String,
}

impl Got {
    /// Types of its events, and of what kind of thing they are told.
    pub(crate) fn types(&self) -> Vec<&str> {
        let events = self.body["data"]["events"].as_array().unwrap();
        events
            .iter()
            .map(|event| event["type"].as_str().unwrap())
            .collect()
    }

    /// As a receiver does it that knows nothing but the specification.
    pub(crate) fn is_signed_with(&self, secret: &[u8]) -> bool {
        use aws_lc_rs::hmac;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let signed = [&self.id, ".", &self.timestamp, ".", &self.raw].concat();
        self.signatures.iter().any(|one| {
            let (version, tag) = one.split_once(',').unwrap();
            let tag = base64::engine::general_purpose::STANDARD.decode(tag);
            version == "v1" && hmac::verify(&key, signed.as_bytes(), &tag.unwrap()).is_ok()
        })
    }
}

/// Answers as it is told, 204 when it is told nothing more.
#[derive(Clone, Default)]
pub(crate) struct Receiver {
    got: Arc<Mutex<Vec<Got>>>,
    script: Arc<Mutex<Vec<u16>>>,
}

impl Receiver {
    pub(crate) async fn open(life: &Lifecycle) -> (Self, SocketAddr) {
        let this = Self::default();
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(take).with_state(this.clone());
        life.spawn("receiver", async move {
            axum::serve(listener, router).await.ok();
        });
        (this, address)
    }

    /// The next answers, the first first.
    pub(super) fn answers(&self, statuses: &[u16]) {
        *self.script.lock() = statuses.iter().rev().copied().collect();
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().clone()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let raw = String::from_utf8(body.to_vec()).unwrap();
    receiver.got.lock().push(Got {
        id: header("webhook-id"),
        signatures: header("webhook-signature")
            .split(' ')
            .map(str::to_owned)
            .collect(),
        timestamp: header("webhook-timestamp"),
        body: serde_json::from_str(&raw).unwrap(),
        raw,
    });
    let status = receiver.script.lock().pop().unwrap_or(204);
    let mut response = StatusCode::from_u16(status).unwrap().into_response();
    if status == 302 {
        let elsewhere = header::HeaderValue::from_static("/elsewhere");
        response.headers_mut().insert(header::LOCATION, elsewhere);
    }
    response
}
