//! No such page.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::components::mark::Mark;
use crate::components::problem::Problem;
use crate::error::AppError;

/// What stands at addresses that lead nowhere; status 404.
#[component]
pub fn Lost() -> impl IntoView {
    view! {
        <Title text="Not found" />
        <div class="sign">
            <header>
                <Mark />
            </header>
            <main id="main" class="lost" tabindex="-1">
                <h1 class="vh">"Not found"</h1>
                <Problem error=AppError::NotFound {
                    what: "page".to_owned(),
                } />
                <p>
                    <a class="btn" href="/">
                        "To your start page"
                    </a>
                </p>
            </main>
        </div>
    }
    .into_any()
}
