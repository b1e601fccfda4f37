//! What the lists have in common that do something to several rows: the bar while some are selected, and the dialog
//! that asks first.

use std::collections::BTreeSet;

use leptos::prelude::*;

use super::refused::Refused;
use crate::components::button::{Look, Submit};
use crate::components::dialog::{Dialog, Dismiss};
use crate::error::AppError;

/// What is done to the selected rows.
#[derive(Clone, Copy)]
pub struct Deed {
    /// Id of the dialog.
    pub dialog: &'static str,
    /// Name of the bar: `Selected messages`.
    pub bar: &'static str,
    /// On the button and over the dialog: `Send 3 messages again`.
    pub label: Signal<String>,
    /// What not doing it means: `Leave them`.
    pub keep: Signal<&'static str>,
}

/// `3 selected … Send 3 messages again…`, and the dialog with its form.
#[component]
pub fn BulkBar(
    /// Ids that are selected.
    picked: RwSignal<BTreeSet<String>>,
    deed: Deed,
    /// The dialog opens.
    #[prop(optional, into)]
    asked: Option<Callback<()>>,
    /// The form.
    children: ChildrenFn,
) -> impl IntoView {
    let children = StoredValue::new(children);
    view! {
        <Show when=move || !picked.read().is_empty()>
            <div class="bulk" role="group" aria-label=deed.bar>
                <strong>{move || format!("{} selected", picked.read().len())}</strong>
                <span class="grow"></span>
                <button
                    type="button"
                    class="btn quiet"
                    on:click=move |_| picked.set(BTreeSet::new())
                >
                    "Clear"
                </button>
                <button
                    type="button"
                    class="btn"
                    popovertarget=deed.dialog
                    on:click=move |_| {
                        if let Some(asked) = asked {
                            asked.run(());
                        }
                    }
                >
                    {move || format!("{}…", deed.label.get())}
                </button>
            </div>
            <Dialog id=deed.dialog title=deed.label>
                {children.with_value(|children| children())}
            </Dialog>
        </Show>
    }
    .into_any()
}

/// The selected ids, as a plain form posts them.
#[component]
pub fn Ids(picked: RwSignal<BTreeSet<String>>) -> impl IntoView {
    let ids = move || picked.read().iter().cloned().collect::<Vec<_>>().join(",");
    view! { <input type="hidden" name="ids" value=ids /> }
}

/// What was refused, when something was.
#[component]
pub fn Failed(#[prop(into)] error: Signal<Option<AppError>>) -> impl IntoView {
    move || error.get().map(|error| view! { <Refused error /> })
}

/// The two buttons under the question.
#[component]
pub fn Foot(
    deed: Deed,
    /// On the button that does it: it may be fewer than were selected.
    #[prop(into)]
    label: Signal<String>,
    /// `Sending`.
    doing: &'static str,
    #[prop(into)] pending: Signal<bool>,
    #[prop(optional, into)] disabled: Signal<bool>,
    look: Look,
) -> impl IntoView {
    view! {
        <div class="foot">
            <Dismiss dialog=deed.dialog label=deed.keep />
            {move || view! { <Submit label=label.get() doing pending disabled look /> }}
        </div>
    }
    .into_any()
}
