//! A tile: number, word, and a click that filters.

use leptos::prelude::*;

use super::badge::{Dot, Tone};
use super::fresh::use_fresh;
use super::number::grouped;

/// One number of a strip of tiles. A change of the number fades.
#[component]
pub fn Tile(
    /// The word.
    label: &'static str,
    /// The number.
    #[prop(into)]
    value: Signal<i64>,
    /// State the number counts, for its dot.
    #[prop(optional)]
    tone: Option<Tone>,
    /// Where a click leads.
    #[prop(into)]
    href: Signal<String>,
    /// It filters now.
    #[prop(into)]
    current: Signal<bool>,
) -> impl IntoView {
    let fresh = use_fresh(value);
    view! {
        <a class="tile" href=move || href.get() aria-current=move || current.get().then_some("true")>
            <span class="l">{tone.map(|tone| view! { <Dot tone /> })} {label}</span>
            <span class="v">
                <span class=move || format!("num-live {}", fresh.get())>
                    {move || grouped(value.get())}
                </span>
            </span>
        </a>
    }
    .into_any()
}
