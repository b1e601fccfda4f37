//! The route table.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;

/// The application: the same on the host and in the browser.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title text="Bellhop" />
        <Router>
            <main class="mx-auto max-w-xl p-8">
                <Routes fallback=|| view! { <h1>"This page does not exist"</h1> }>
                    <Route path=path!("/") view=Hello />
                </Routes>
            </main>
        </Router>
    }
}

/// Proves that a page is rendered by the server and comes alive in the browser.
#[component]
fn Hello() -> impl IntoView {
    let (rings, set_rings) = signal(0);
    let alive = RwSignal::new(false);
    Effect::new(move |_| alive.set(true)); // runs in the browser only
    view! {
        <h1 class="text-2xl font-semibold">"Bellhop"</h1>
        <p data-testid="profile">
            {if cfg!(debug_assertions) { "A development build: not for numbers." } else { "A release build." }}
        </p>
        <button
            class="mt-4 rounded-md bg-neutral-900 px-4 py-2 text-white"
            data-testid="ring"
            data-alive=move || alive.get().to_string()
            on:click=move |_| set_rings.update(|rings| *rings += 1)
        >
            "Ring: "
            {rings}
        </button>
    }
}
