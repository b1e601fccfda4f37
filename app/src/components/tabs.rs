//! Tabs that are links: each has an address, works without script, and shows its count.

use leptos::prelude::*;

/// One tab.
#[component]
pub fn Tab(
    /// Address.
    #[prop(into)]
    href: Signal<String>,
    /// The word.
    label: &'static str,
    /// This one is shown.
    #[prop(into)]
    current: Signal<bool>,
    /// How many rows it has, when that is known.
    #[prop(optional, into)]
    count: Signal<Option<i64>>,
) -> impl IntoView {
    view! {
        <a href=move || href.get() aria-current=move || current.get().then_some("page")>
            {label}
            {move || {
                count
                    .get()
                    .filter(|count| *count > 0)
                    .map(|count| {
                        view! {
                            " "
                            <span class="n">{count}</span>
                        }
                    })
            }}
        </a>
    }
    .into_any()
}

/// The strip they stand in.
#[component]
pub fn Tabs(
    /// What the tabs choose, for assistive technology: `Approval lists`.
    label: &'static str,
    /// More classes.
    #[prop(optional)]
    class: &'static str,
    /// [`Tab`]s.
    children: Children,
) -> impl IntoView {
    view! {
        <nav class=format!("tabs {class}") aria-label=label>
            {children()}
        </nav>
    }
    .into_any()
}
