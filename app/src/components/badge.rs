//! Badge: a dot whose shape is the state too, and a word; readable without colour.

use leptos::prelude::*;

/// The seven tones. Each has its own colour and its own shape of dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Circle: in, acknowledged, approved.
    Ok,
    /// Triangle: late, retrying.
    Warn,
    /// Square: absent, dead, rejected.
    Bad,
    /// Diamond: in review, dispatched.
    Info,
    /// Two bars: on break, held.
    Pause,
    /// Ring: out, parked, waiting.
    Rest,
    /// Dashed ring: nothing is known.
    Unknown,
}

impl Tone {
    /// The class that carries colour and shape.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Info => "info",
            Self::Pause => "pause",
            Self::Rest => "rest",
            Self::Unknown => "unknown",
        }
    }
}

/// The dot alone; a word must stand beside it.
#[component]
pub fn Dot(
    /// Colour and shape.
    #[prop(into)]
    tone: Signal<Tone>,
) -> impl IntoView {
    view! { <i class=move || format!("dot {}", tone.get().class()) aria-hidden="true"></i> }
}

/// Dot and word.
#[component]
pub fn Badge(
    /// Colour and shape.
    #[prop(into)]
    tone: Signal<Tone>,
    /// The word.
    #[prop(into)]
    word: Signal<&'static str>,
    /// One width for a whole column, so that a change moves nothing.
    #[prop(optional)]
    even: bool,
) -> impl IntoView {
    view! {
        <span class=move || format!("badge {}{}", tone.get().class(), if even { " even" } else { "" })>
            <i class="dot" aria-hidden="true"></i>
            {move || word.get()}
        </span>
    }
    .into_any()
}
