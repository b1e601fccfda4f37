//! The first start: a one-time link makes the tenant and its first admin.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::components::button::{Look, Submit};
use crate::components::field::Field;
use crate::components::mark::Mark;

/// One plain form, `POST /setup`. Errors come back as `?error=`.
#[component]
pub fn SetupPage() -> impl IntoView {
    let query = use_query_map();
    let token = move || query.read().get("token").unwrap_or_default();
    let problem = move || {
        query.read().get("error").map(|error| match error.as_str() {
            "expired" => "This link has expired or was used. Restart the server for a new one.",
            "weak" => "The password is too short. It needs 12 characters.",
            "taken" => "That tenant or name exists already. Choose another.",
            _ => "Not saved. Check what you typed and try again.",
        })
    };
    view! {
        <Title text="Set up" />
        <div class="sign">
            <header>
                <Mark />
            </header>
            <main id="main" class="sign-main one" tabindex="-1">
                <form class="col" method="post" action="/setup">
                    <div>
                        <h1>"Set up bellhop"</h1>
                        <p class="muted">
                            "The first tenant and its first administrator. The link works once, for 30 minutes."
                        </p>
                    </div>
                    {move || {
                        problem()
                            .map(|problem| {
                                view! {
                                    <p class="strip bad" role="alert">
                                        <i class="dot" aria-hidden="true"></i>
                                        <span>{problem}</span>
                                    </p>
                                }
                            })
                    }}
                    <input type="hidden" name="token" value=token />
                    <Field
                        name="tenant"
                        label="Organisation"
                        hint="Shown on every page."
                        focus=true
                    />
                    <Field name="name" label="Your name" autocomplete="name" />
                    <Field
                        name="login"
                        label="Sign-in name"
                        autocomplete="username"
                        hint="What you type to sign in."
                    />
                    <Field
                        name="password"
                        label="Password"
                        kind="password"
                        autocomplete="new-password"
                        hint="12 characters or more."
                    />
                    <Submit
                        label="Create and sign in"
                        doing="Creating"
                        pending=false
                        look=Look::Primary
                    />
                </form>
            </main>
        </div>
    }
    .into_any()
}
