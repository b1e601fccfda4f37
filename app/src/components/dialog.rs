//! A dialog that asks before something is done: `<dialog popover>`, so that opening, closing by Esc
//! and the return of the focus are the browser's, before and without our code.

use leptos::prelude::*;

/// Asks. Opened by a button with `popovertarget=id`; what was typed stays when it is dismissed.
#[component]
pub fn Dialog(
    /// Id of the element.
    #[prop(into)]
    id: String,
    /// The question, or what will be done: `Disconnect 3 connections`.
    #[prop(into)]
    title: Signal<String>,
    /// Usually one form: `.body`, then `.foot`.
    children: Children,
) -> impl IntoView {
    let heading = format!("{id}-title");
    let labelled = heading.clone();
    view! {
        <dialog class="dialog" id=id popover="auto" aria-labelledby=labelled>
            <h2 id=heading>{move || title.get()}</h2>
            {children()}
        </dialog>
    }
    .into_any()
}

/// Closes the dialog it stands in.
#[component]
pub fn Dismiss(
    /// Id of the dialog.
    #[prop(into)]
    dialog: String,
    /// What not doing it means: `Keep them`.
    #[prop(into)]
    label: Signal<&'static str>,
) -> impl IntoView {
    view! {
        <button type="button" class="btn" popovertarget=dialog popovertargetaction="hide">
            {move || label.get()}
        </button>
    }
    .into_any()
}
