//! Permission, subscription, worker. Subscriptions are used by what they can do, not by their type.

use base64_url::bytes;
use leptos::wasm_bindgen::JsValue;

use super::WORKER;
use super::js::{ask, call, get, global, is_there, object, wait, words};
use super::state::{DevicePush, Lack};
use crate::live::hub::device;

/// For whom this browser is to be registered.
#[derive(Clone)]
pub(super) struct Wish {
    /// Tenant and user.
    pub(super) scope: String,
    /// The server's public key, base64url.
    pub(super) key: String,
}

/// What can be said without asking anybody; `None`: it is possible here.
fn lack() -> Option<Lack> {
    let container = get(&global("navigator"), "serviceWorker");
    let all = is_there(&container)
        && ["PushManager", "Notification", "MessageChannel"]
            .into_iter()
            .all(|name| is_there(&global(name)));
    if all {
        return None;
    }
    if global("isSecureContext").as_bool() == Some(false) {
        return Some(Lack::SecureContext);
    }
    let navigator = global("navigator");
    let agent = get(&navigator, "userAgent").as_string().unwrap_or_default();
    // An iPad calls itself a Mac, and no Mac has a touch screen.
    let touched = get(&navigator, "maxTouchPoints").as_f64().unwrap_or(0.0) > 1.0;
    let ios =
        agent.contains("iPhone") || agent.contains("iPad") || agent.contains("Mac") && touched;
    Some(if ios { Lack::HomeScreen } else { Lack::Push })
}

fn permission() -> String {
    let permission = get(&global("Notification"), "permission");
    permission.as_string().unwrap_or_default()
}

fn container() -> JsValue {
    get(&global("navigator"), "serviceWorker")
}

/// At each start: how it stands, and, where this browser is registered, registers it again. A push service may
/// have dropped it and told nobody, the server may have another key, and somebody else may be signed in.
pub(super) async fn look(scope: String, key: Option<String>) -> DevicePush {
    if let Some(lack) = lack() {
        return DevicePush::Unsupported(lack);
    }
    let registration = wait(&container(), "getRegistration", &["/".into()]).await;
    let registration = registration.ok().filter(is_there);
    let Some(key) = key else {
        forget(registration.as_ref()).await;
        return DevicePush::NotConfigured;
    };
    if permission() == "denied" {
        forget(registration.as_ref()).await;
        return DevicePush::Blocked;
    }
    let Some(registration) = registration else {
        return DevicePush::Off;
    };
    let told = match worker(&registration) {
        Some(worker) => ask(&worker, &object(&[("type", "tell".into())])).await,
        None => Ok(JsValue::UNDEFINED),
    };
    let Ok(told) = told else {
        return DevicePush::Off; // a worker that does not answer shows nothing either
    };
    let said = |name: &str| get(&told, name).as_string();
    let Some(before) = said("scope") else {
        return DevicePush::Off;
    };
    if before != scope {
        forget(Some(&registration)).await;
        return DevicePush::Off;
    }
    if permission() != "granted" {
        forget(Some(&registration)).await;
        return DevicePush::Off;
    }
    let bound = said("key").as_deref() == Some(key.as_str());
    match join(&Wish { scope, key }, bound).await {
        Ok(()) => DevicePush::On,
        Err(not) if not.passes && bound => DevicePush::On,
        Err(not) => DevicePush::Failed(not.why),
    }
}

/// On a click: asks the person, subscribes, registers.
pub(super) async fn turn_on(wish: Wish) -> DevicePush {
    let answer = wait(&global("Notification"), "requestPermission", &[]).await;
    let answer = answer.ok().and_then(|answer| answer.as_string());
    match answer.as_deref() {
        Some("granted") => {}
        Some("denied") => return DevicePush::Blocked,
        _ => return DevicePush::Off, // the question was closed: it may be asked again
    }
    match join(&wish, false).await {
        Ok(()) => DevicePush::On,
        Err(not) => DevicePush::Failed(not.why),
    }
}

/// Nothing of it stays, here or on the server.
pub(super) async fn turn_off() -> DevicePush {
    let registration = wait(&container(), "getRegistration", &["/".into()]).await;
    forget(registration.ok().filter(is_there).as_ref()).await;
    DevicePush::Off
}

/// `bound`: the browser's subscription is to this key.
async fn join(wish: &Wish, bound: bool) -> Result<(), NotJoined> {
    let Wish { scope, key } = wish;
    let options = object(&[("scope", "/".into()), ("updateViaCache", "none".into())]);
    let started = wait(&container(), "register", &[WORKER.into(), options]).await;
    let started = started.map_err(|error| not_started(&words(&error)))?;
    let ready =
        wasm_bindgen_futures::JsFuture::from(js_sys::Promise::resolve(&get(&container(), "ready")));
    let registration = ready.await.unwrap_or(started);
    let manager = get(&registration, "pushManager");
    let mut subscription = wait(&manager, "getSubscription", &[])
        .await
        .ok()
        .filter(is_there);
    if let Some(old) = subscription.take_if(|_| !bound) {
        // Bound to another key it would get nothing from here.
        let _ = wait(&old, "unsubscribe", &[]).await;
    }
    let subscription = if let Some(subscription) = subscription {
        subscription
    } else {
        let own = bytes(key).ok_or("The server's key cannot be read.")?;
        let own = js_sys::Uint8Array::from(own.as_slice());
        let options = object(&[
            ("userVisibleOnly", true.into()),
            ("applicationServerKey", own.into()),
        ]);
        wait(&manager, "subscribe", &[options])
            .await
            .map_err(|error| not_subscribed(&words(&error)))?
    };
    let plain = call(&subscription, "toJSON", &[]).map_err(|error| words(&error))?;
    let worker = worker(&registration).ok_or("The browser did not start its worker.")?;
    let message = object(&[
        ("type", "register".into()),
        ("scope", scope.into()),
        ("device", device().into()),
        ("key", key.into()),
        ("subscription", plain),
    ]);
    let answer = ask(&worker, &message).await.map_err(|_| NotJoined {
        why: "Not registered: the browser's worker does not answer. Try again.".to_owned(),
        passes: true,
    })?;
    let Some(why) = get(&answer, "error").as_string() else {
        return Ok(());
    };
    // Without a status there was no network.
    let status = get(&answer, "status").as_f64();
    let passes = status.is_none_or(|status| status >= 500.0);
    if !passes {
        // What the server does not want to know, the browser need not keep.
        let _ = wait(&subscription, "unsubscribe", &[]).await;
    }
    let why = format!("Not registered: {why}");
    Err(NotJoined { why, passes })
}

/// Why this browser was not registered.
struct NotJoined {
    why: String,
    /// No network, or the server is away: what was registered before stays good.
    passes: bool,
}

impl<T: Into<String>> From<T> for NotJoined {
    fn from(why: T) -> Self {
        Self {
            why: why.into(),
            passes: false,
        }
    }
}

fn not_started(why: &str) -> String {
    format!("The browser did not start its worker: {why}")
}

fn not_subscribed(why: &str) -> String {
    format!("This browser's push service did not answer, so it stays off: {why}")
}

fn worker(registration: &JsValue) -> Option<JsValue> {
    let named = |name| Some(get(registration, name)).filter(is_there);
    named("active")
        .or_else(|| named("waiting"))
        .or_else(|| named("installing"))
}

async fn forget(registration: Option<&JsValue>) {
    let Some(registration) = registration else {
        return;
    };
    if let Some(worker) = worker(registration) {
        let _ = ask(&worker, &object(&[("type", "leave".into())])).await;
    }
    // Also where the worker did not answer: the push service says "gone" to the server from now on.
    let manager = get(registration, "pushManager");
    if let Ok(left) = wait(&manager, "getSubscription", &[]).await
        && is_there(&left)
    {
        let _ = wait(&left, "unsubscribe", &[]).await;
    }
}

mod base64_url {
    //! Base64url without padding, by the browser's own decoder.

    use leptos::web_sys;

    pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
        let mut usual = text.replace('-', "+").replace('_', "/");
        while !usual.len().is_multiple_of(4) {
            usual.push('=');
        }
        let decoded = web_sys::window()?.atob(&usual).ok()?;
        decoded
            .chars()
            .map(|letter| u8::try_from(u32::from(letter)).ok())
            .collect()
    }
}
