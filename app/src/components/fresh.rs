//! The fade that says "this just changed".

use leptos::prelude::*;

/// The class for the n-th change. Two classes with equal animations take turns, because a running
/// animation starts again only under another name. No change yet, no fade: a page never arrives
/// blinking.
#[must_use]
pub const fn fresh_class(changes: u32) -> &'static str {
    match (changes, changes % 2) {
        (0, _) => "",
        (_, 0) => "fresh-b",
        _ => "fresh-a",
    }
}

/// The class of a table row. One closure makes the whole attribute: a `class:` beside a `class=`
/// that changes would be lost with the change.
#[must_use]
pub const fn row_class(changes: u32, selected: bool) -> &'static str {
    match (changes, changes % 2, selected) {
        (0, _, true) => "sel",
        (_, 0, true) => "sel fresh-b",
        (_, _, true) => "sel fresh-a",
        (changes, _, false) => fresh_class(changes),
    }
}

/// The class that makes a value fade whenever it changes after it was first drawn.
pub fn use_fresh<T>(value: Signal<T>) -> Signal<&'static str>
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let changes = RwSignal::new(0_u32);
    Effect::watch(
        move || value.get(),
        move |now, before, _| {
            if before.is_some_and(|before| before != now) {
                changes.update(|changes| *changes = changes.wrapping_add(1));
            }
        },
        false,
    );
    Signal::derive(move || fresh_class(changes.get()))
}
