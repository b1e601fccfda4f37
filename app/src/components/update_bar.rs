//! The bar above a list: rows that would move wait here.

use leptos::prelude::*;

use super::rows::{Row, Rows};

/// `1 new, 2 changed [Apply]`. Takes no room while nothing waits.
#[component]
pub fn UpdateBar<T: Row>(
    /// The list.
    rows: Rows<T>,
) -> impl IntoView {
    view! {
        <Show when=move || !rows.waiting().is_empty()>
            <p class="updates">
                <strong>{move || rows.waiting().words()}</strong>
                <span class="muted hide-phone">"The order is kept while you read."</span>
                <button type="button" class="link" on:click=move |_| rows.apply()>
                    "Apply"
                </button>
            </p>
        </Show>
    }
    .into_any()
}
