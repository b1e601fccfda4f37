//! A submit button that says what it is doing while it does it.

use leptos::prelude::*;

/// How a button looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// Edge on the surface.
    #[default]
    Plain,
    /// The one thing to do on this view.
    Primary,
    /// The one button of a destructive dialog.
    Danger,
    /// No edge.
    Quiet,
}

impl Look {
    /// Its classes.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Plain => "btn",
            Self::Primary => "btn primary",
            Self::Danger => "btn danger",
            Self::Quiet => "btn quiet",
        }
    }
}

/// Submits its form. While `pending` it shows a spinner and `doing`, and cannot be pressed again.
#[component]
pub fn Submit(
    /// What it does and to how much: `Approve €4,800.00`.
    #[prop(into)]
    label: String,
    /// `Approving`.
    #[prop(into)]
    doing: String,
    /// The action is under way.
    #[prop(into)]
    pending: Signal<bool>,
    /// Another reason why it cannot be pressed; the reason itself stands beside it in words.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// How it looks.
    #[prop(optional)]
    look: Look,
    /// Name of the form field it sends.
    #[prop(optional)]
    name: Option<&'static str>,
    /// Value of that field.
    #[prop(optional)]
    value: Option<&'static str>,
) -> impl IntoView {
    view! {
        <button
            type="submit"
            class=look.class()
            name=name
            value=value
            disabled=move || pending.get() || disabled.get()
        >
            <Show
                when=move || pending.get()
                fallback={
                    let label = label.clone();
                    move || label.clone()
                }
            >
                <span class="spin" aria-hidden="true"></span>
                {doing.clone()}
            </Show>
        </button>
    }
    .into_any()
}
