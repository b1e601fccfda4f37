//! What stands where a list has no rows: what would appear here, and a way on.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// An empty list, or a list that its filter emptied.
#[component]
pub fn Empty(
    /// 24 px, above the words.
    glyph: Glyph,
    /// `You are caught up`.
    #[prop(into)]
    title: Signal<String>,
    /// What would appear here, or what hides it.
    #[prop(into)]
    text: Signal<String>,
    /// A link on.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <Icon glyph />
            <strong>{move || title.get()}</strong>
            <p>{move || text.get()}</p>
            {children.map(|children| children())}
        </div>
    }
    .into_any()
}
