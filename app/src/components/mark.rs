//! The mark: a desk bell in brass, and the word.

use leptos::prelude::*;

/// Bell and word, leading home.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <a class="mark" href="/" aria-label="bellhop, home">
            <svg class="mark-bell" viewBox="0 0 24 24" aria-hidden="true">
                <path d="M3.5 19.25h17"></path>
                <path d="M5.25 16a6.75 6.75 0 0 1 13.5 0Z"></path>
                <path d="M12 9.25V7"></path>
                <circle class="mark-button" cx="12" cy="5.75" r="1.65"></circle>
            </svg>
            <span>"bellhop"</span>
        </a>
    }
    .into_any()
}
