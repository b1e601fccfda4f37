//! The few things we ask of the browser itself, each a no-op on the host: only effects and event
//! handlers call them, and those do not run there.

use std::time::Duration;

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys;

use crate::model::Moment;

/// The browser's clock.
#[must_use]
pub fn now() -> Moment {
    #[cfg(feature = "hydrate")]
    {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "milliseconds of an epoch fit"
        )]
        Moment(js_sys::Date::now() as i64)
    }
    #[cfg(not(feature = "hydrate"))]
    Moment(0)
}

/// Milliseconds to add to UTC for the person's own zone, as it was or will be `at` that instant.
#[must_use]
pub fn zone_offset(at: Moment) -> i64 {
    #[cfg(feature = "hydrate")]
    {
        #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53")]
        let date = js_sys::Date::new(&(at.0 as f64).into());
        #[expect(clippy::cast_possible_truncation, reason = "minutes, at most 14 hours")]
        {
            -(date.get_timezone_offset() as i64) * 60_000
        }
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = at;
        0
    }
}

/// Runs `action` every so often until the owner goes away.
pub fn every(milliseconds: u64, action: impl Fn() + Send + 'static) {
    if let Ok(handle) = set_interval_with_handle(action, Duration::from_millis(milliseconds)) {
        on_cleanup(move || handle.clear());
    }
}

/// Runs `action` once, later. The handle cancels it.
#[must_use]
pub fn after(milliseconds: u64, action: impl FnOnce() + 'static) -> Option<TimeoutHandle> {
    set_timeout_with_handle(action, Duration::from_millis(milliseconds)).ok()
}

/// Somebody can see the page.
#[must_use]
pub fn visible() -> bool {
    !document().hidden()
}

/// Leaves for another page with a full load: for pages that need a new session.
pub fn leave_for(address: &str) {
    let _ = window().location().set_href(address);
}

/// Path and query of the page that is shown.
#[must_use]
pub fn here() -> String {
    let location = window().location();
    format!(
        "{}{}",
        location.pathname().unwrap_or_default(),
        location.search().unwrap_or_default()
    )
}

/// Closes the popover with this id, if it is open.
pub fn close_popover(id: &str) {
    let element = document().get_element_by_id(id);
    if let Some(element) = element.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok()) {
        // `hidePopover` throws when it is closed already: that is what we want.
        let _ = element.hide_popover();
    }
}

/// Is the popover with this id open?
#[must_use]
pub fn popover_open(id: &str) -> bool {
    document()
        .query_selector(&format!("#{id}:popover-open"))
        .ok()
        .flatten()
        .is_some()
}

/// Is the focus in a field for text?
#[must_use]
pub fn typing() -> bool {
    let fields = "textarea, input:not([type=checkbox], [type=radio])";
    let focused = document().active_element();
    focused.is_some_and(|it| it.matches(fields).unwrap_or(false))
}

/// Sets an attribute of the document's root.
pub fn mark_root(name: &str, value: &str) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute(name, value);
    }
}

/// May rows of the list `id` move now? Yes, when it is scrolled to its top and neither the focus
/// nor the pointer is inside.
#[must_use]
pub fn undisturbed(id: &str) -> bool {
    let Some(list) = document().get_element_by_id(id) else {
        return true;
    };
    list.scroll_top() < 4
        && !list.matches(":focus-within").unwrap_or(false)
        && !list.matches(":hover").unwrap_or(false)
}

/// Puts the focus on the first element that matches.
pub fn focus(selector: &str) {
    let element = document().query_selector(selector).ok().flatten();
    give_focus(element);
}

/// Scrolls sideways to what matches, where it stands outside of its strip.
pub fn reveal(selector: &str) {
    if let Some(element) = document().query_selector(selector).ok().flatten() {
        element.scroll_into_view_with_bool(false);
    }
}

/// Puts the focus into row `place` of the rows that match, on what matches `inside`: where a row
/// went away, its successor takes its place. The last row for all beyond.
pub fn focus_in_row(rows: &str, place: usize, inside: &str) {
    let rows = all(rows);
    let place = place.min(rows.len().saturating_sub(1));
    give_focus(
        rows.get(place)
            .and_then(|row| row.query_selector(inside).ok().flatten()),
    );
}

/// In a list that has the focus, `j` and `k` move it to the next and the previous row. Only there:
/// a key that works everywhere would have to be switched off somewhere.
pub fn walk(event: &web_sys::KeyboardEvent, rows: &str, inside: &str) {
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let focused = |row: &web_sys::Element| row.matches(":focus-within").unwrap_or(false);
    let now = all(rows).iter().position(focused);
    let next = match (event.key().as_str(), now) {
        ("j", Some(place)) => place + 1,
        ("k", Some(place)) => place.saturating_sub(1),
        ("j" | "k", None) => 0,
        _ => return,
    };
    event.prevent_default();
    focus_in_row(rows, next, inside);
}

/// Copies what stands in the field with this id, and says whether that was done. Where the browser does not let a page
/// copy (without https), the text is selected instead, for the person to copy it.
pub fn copy(id: &str, done: impl Fn(bool) + 'static) {
    #[cfg(feature = "hydrate")]
    {
        let field = document().get_element_by_id(id);
        let Some(field) = field.and_then(|it| it.dyn_into::<web_sys::HtmlInputElement>().ok())
        else {
            return;
        };
        field.select();
        if !window().is_secure_context() {
            done(false);
            return;
        }
        let copied = window().navigator().clipboard().write_text(&field.value());
        leptos::task::spawn_local(async move {
            done(wasm_bindgen_futures::JsFuture::from(copied).await.is_ok());
        });
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = (id, done);
}

fn give_focus(element: Option<web_sys::Element>) {
    if let Some(element) = element.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// All elements that match, in the order of the page.
fn all(selector: &str) -> Vec<web_sys::Element> {
    #[cfg(feature = "hydrate")]
    {
        let Ok(nodes) = document().query_selector_all(selector) else {
            return Vec::new();
        };
        (0..nodes.length())
            .filter_map(|place| nodes.get(place)?.dyn_into().ok())
            .collect()
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = selector;
        Vec::new()
    }
}
