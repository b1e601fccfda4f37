//! A refusal beside its form.

use leptos::prelude::*;

use crate::error::AppError;

/// What was refused, and why.
#[component]
pub fn Refused(error: AppError) -> impl IntoView {
    view! {
        <p class="err" role="alert">
            <i class="dot bad" aria-hidden="true"></i>
            {error.to_string()}
        </p>
    }
    .into_any()
}
