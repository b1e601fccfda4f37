//! What the page itself does: opens what a card leads to, shows the number on the app's icon, sends a held-back form.

use leptos::web_sys;

use super::js::{call, get, global, is_there, listen};

/// Opens what the worker asks for, as a card was clicked, and says so.
pub(super) fn on_open(open: impl Fn(String) + 'static) {
    let container = get(&global("navigator"), "serviceWorker");
    if !is_there(&container) {
        return;
    }
    listen(&container, "message", move |event| {
        let message = get(&event, "data");
        if get(&message, "type").as_string().as_deref() != Some("open") {
            return;
        }
        let path = get(&message, "path").as_string().unwrap_or_default();
        if path.starts_with('/') && !path.starts_with("//") {
            let port = get(&get(&event, "ports"), "0");
            let _ = call(&port, "postMessage", &["opened".into()]);
            open(path);
        }
    });
    let _ = call(&container, "startMessages", &[]);
}

/// The number on the app's icon, where this site is installed as one.
pub(super) fn show_badge(count: i64) {
    let navigator = global("navigator");
    if is_there(&get(&navigator, "setAppBadge")) {
        #[expect(clippy::cast_precision_loss, reason = "a count of notifications")]
        let shown = call(&navigator, "setAppBadge", &[(count as f64).into()]);
        if let Ok(promise) = shown {
            // Refused where the site is not installed.
            leptos::task::spawn_local(async move {
                let promise = js_sys::Promise::resolve(&promise);
                let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
            });
        }
    }
}

/// Sends a form that was held back.
pub(super) fn submit(form: Option<web_sys::EventTarget>) {
    if let Some(form) = form {
        let _ = call(&form, "submit", &[]);
    }
}
