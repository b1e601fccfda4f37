//! Initials in a circle. Decoration: the name always stands beside it.

use leptos::prelude::*;

use crate::model::person::initials;

/// The initials of `name`.
#[component]
pub fn Avatar(
    /// Display name.
    #[prop(into)]
    name: String,
    /// 32 px instead of 24.
    #[prop(optional)]
    large: bool,
) -> impl IntoView {
    view! {
        <span class="avatar" class:lg=large aria-hidden="true">
            {initials(&name)}
        </span>
    }
}
