//! A labelled input with its hint and its error, wired for assistive technology.

use leptos::prelude::*;

/// A text field of a form.
#[component]
pub fn Field(
    /// Name and id of the input.
    name: &'static str,
    /// The label, above.
    label: &'static str,
    /// `text`, `password`, …
    #[prop(default = "text")]
    kind: &'static str,
    /// For the browser's memory: `username`, `current-password`.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// What stands in it at first.
    #[prop(optional, into)]
    value: String,
    /// Under the input.
    #[prop(optional)]
    hint: Option<&'static str>,
    /// What is wrong with it, instead of the hint.
    #[prop(default = None)]
    error: Option<String>,
    /// The first field that wants typing.
    #[prop(optional)]
    focus: bool,
) -> impl IntoView {
    let note = format!("{name}-note");
    let described = (hint.is_some() || error.is_some()).then(|| note.clone());
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input
                class="input"
                id=name
                name=name
                type=kind
                value=value
                autocomplete=autocomplete
                autocapitalize="none"
                required
                autofocus=focus
                aria-invalid=error.is_some().then_some("true")
                aria-describedby=described
            />
            {match error {
                Some(error) => {
                    view! {
                        <p class="err" id=note>
                            <i class="dot bad" aria-hidden="true"></i>
                            {error}
                        </p>
                    }
                        .into_any()
                }
                None => hint.map(|hint| view! { <p class="hint" id=note>{hint}</p> }).into_any(),
            }}
        </div>
    }
    .into_any()
}
