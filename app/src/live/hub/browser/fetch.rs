//! Requests with the bearer token.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, Headers, RequestInit, Response};

use crate::live::hub::engine::Failure;

/// A whole answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Reply {
    /// What an answer other than success means.
    pub(super) fn failure(&self) -> Failure {
        match self.status {
            401 => Failure::Unauthorized,
            403 => Failure::Forbidden,
            _ => Failure::Transient,
        }
    }
}

/// Cancels its requests when dropped.
pub(super) struct Abort(Option<AbortController>);

impl Abort {
    pub(super) fn new() -> Self {
        Self(AbortController::new().ok())
    }

    pub(super) fn signal(&self) -> Option<AbortSignal> {
        self.0.as_ref().map(AbortController::signal)
    }

    pub(super) fn now(&self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        self.now();
    }
}

/// One request to this site. Every failure without a status is transient.
pub(super) async fn request(
    method: &str,
    url: &str,
    token: &str,
    body: Option<&str>,
    signal: Option<&AbortSignal>,
) -> Result<Reply, Failure> {
    exchange(method, url, token, body, signal)
        .await
        .map_err(|_| Failure::Transient)
}

async fn exchange(
    method: &str,
    url: &str,
    token: &str,
    body: Option<&str>,
    signal: Option<&AbortSignal>,
) -> Result<Reply, JsValue> {
    let headers = Headers::new()?;
    headers.set("Authorization", &format!("Bearer {token}"))?;
    headers.set("X-Requested-With", "XMLHttpRequest")?;
    let init = RequestInit::new();
    init.set_method(method);
    init.set_headers_headers(&headers);
    init.set_signal(signal);
    if let Some(body) = body {
        init.set_body_opt_str(Some(body));
    }
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let response = JsFuture::from(window.fetch_with_str_and_init(url, &init)).await?;
    let response = response.dyn_into::<Response>()?;
    let text = JsFuture::from(response.text()?).await?;
    Ok(Reply {
        status: response.status(),
        text: text.as_string().unwrap_or_default(),
    })
}
