//! Rows that are on their way, in the shape of the rows. They show only after 300 ms (by CSS): a
//! fast answer never blinks.

use leptos::prelude::*;

/// Grey bars for a list.
#[component]
pub fn Skeleton(
    /// How many rows.
    #[prop(default = 8)]
    rows: usize,
) -> impl IntoView {
    view! {
        <div class="skeleton" aria-busy="true">
            <span class="vh">"Loading"</span>
            {(0..rows).map(|_| view! { <p><span></span><span></span><span></span></p> }).collect_view()}
        </div>
    }
    .into_any()
}
