//! The browser's objects by name. Which of them are there is the question here, and bindings that name types throw
//! where a type is missing.

use leptos::wasm_bindgen::closure::Closure;
use leptos::wasm_bindgen::{JsCast, JsValue};
use leptos::web_sys;
use wasm_bindgen_futures::JsFuture;

/// A property; `undefined` where there is none.
pub(super) fn get(object: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// A property of the page's global object.
pub(super) fn global(name: &str) -> JsValue {
    get(&js_sys::global(), name)
}

/// Is it there?
pub(super) fn is_there(value: &JsValue) -> bool {
    !value.is_undefined() && !value.is_null()
}

/// Calls a method.
pub(super) fn call(
    object: &JsValue,
    name: &str,
    arguments: &[JsValue],
) -> Result<JsValue, JsValue> {
    let method = get(object, name).dyn_into::<js_sys::Function>()?;
    js_sys::Reflect::apply(
        &method,
        object,
        &arguments.iter().collect::<js_sys::Array>(),
    )
}

/// Calls a method and waits for what it promises.
pub(super) async fn wait(
    object: &JsValue,
    name: &str,
    arguments: &[JsValue],
) -> Result<JsValue, JsValue> {
    let promise = js_sys::Promise::resolve(&call(object, name, arguments)?);
    JsFuture::from(promise).await
}

/// An object of these properties.
pub(super) fn object(properties: &[(&str, JsValue)]) -> JsValue {
    let made = js_sys::Object::new();
    for (name, value) in properties {
        let _ = js_sys::Reflect::set(&made, &(*name).into(), value);
    }
    made.into()
}

/// What an error says.
pub(super) fn words(error: &JsValue) -> String {
    let message = get(error, "message").as_string();
    message.or_else(|| error.as_string()).unwrap_or_default()
}

/// Asks a worker and waits for the answer, ten seconds at most.
pub(super) async fn ask(worker: &JsValue, message: &JsValue) -> Result<JsValue, JsValue> {
    const PATIENCE: i32 = 10_000;
    let channel = js_sys::Reflect::construct(
        &global("MessageChannel").dyn_into::<js_sys::Function>()?,
        &js_sys::Array::new(),
    )?;
    let (own, other) = (get(&channel, "port1"), get(&channel, "port2"));
    let mut sent = Ok(JsValue::UNDEFINED);
    let answered = js_sys::Promise::new(&mut |resolve, reject| {
        let _ = js_sys::Reflect::set(&own, &"onmessage".into(), &resolve);
        if let Some(window) = web_sys::window() {
            let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&reject, PATIENCE);
        }
        let ports = js_sys::Array::of1(&other);
        sent = call(worker, "postMessage", &[message.clone(), ports.into()]);
    });
    sent?;
    let answer = JsFuture::from(answered).await;
    let _ = call(&own, "close", &[]);
    Ok(get(&answer?, "data"))
}

/// Listens for as long as the page lives.
pub(super) fn listen(target: &JsValue, name: &str, then: impl Fn(JsValue) + 'static) {
    let then = Closure::<dyn Fn(JsValue)>::new(then);
    let _ = call(
        target,
        "addEventListener",
        &[name.into(), then.as_ref().clone()],
    );
    then.forget();
}
