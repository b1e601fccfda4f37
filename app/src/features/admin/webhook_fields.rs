//! The fields of a webhook's forms.

use leptos::prelude::*;

use super::refused::wrong;
use super::webhooks::short;
use crate::browser;
use crate::error::AppError;

/// What the API's documents say of each event, in a few words.
fn meaning(event: &str) -> &'static str {
    match short(event) {
        "acked" => "a device acknowledged it",
        "reached" => "a client that never acknowledges has read it",
        "read" => "its user opened it, or put it away unopened",
        "expired" => "its time was over before anybody acknowledged it",
        "dead" => "its ladder ended: it was given up",
        "cancelled" => "it was taken back",
        "settled" => "nothing more is done for anybody: told once, last",
        _ => "",
    }
}

/// Whose notifications it is told of; hidden where there is one service alone.
#[component]
pub fn ServiceField(services: Vec<String>, several: bool) -> impl IntoView {
    if !several {
        let only = services.into_iter().next().unwrap_or_default();
        return view! { <input type="hidden" name="service" value=only /> }.into_any();
    }
    view! {
        <div class="field">
            <label for="service">"Service"</label>
            <select class="input" id="service" name="service" aria-describedby="service-note">
                {services
                    .into_iter()
                    .map(|key| view! { <option value=key.clone()>{key.clone()}</option> })
                    .collect_view()}
            </select>
            <p class="hint" id="service-note">
                "It is told of what this service published, and of nothing else."
            </p>
        </div>
    }
    .into_any()
}

/// Where requests go.
#[component]
pub fn AddressField(url: String, error: Signal<Option<AppError>>) -> impl IntoView {
    view! {
        <div class="field">
            <label for="url">"Address"</label>
            <input
                class="input"
                id="url"
                name="url"
                type="url"
                value=url
                autocomplete="off"
                spellcheck="false"
                required
                placeholder="https://app.example.com/receipts"
                aria-invalid=wrong(error, "Address")
                aria-describedby="url-note"
            />
            <p class="hint" id="url-note">
                "https and a public host name. It answers with any 2xx within 15 seconds; redirects are not followed."
            </p>
        </div>
    }
    .into_any()
}

/// What it is told.
#[component]
pub fn EventsField(all: Vec<String>, ticked: Vec<String>) -> impl IntoView {
    view! {
        <fieldset class="field checks">
            <legend>"Events"</legend>
            {all
                .into_iter()
                .map(|event| {
                    let checked = ticked.contains(&event);
                    view! {
                        <label class="check">
                            <input
                                type="checkbox"
                                name="events[]"
                                value=event.clone()
                                checked=checked
                            />
                            <span>
                                <span class="mono">{short(&event).to_owned()}</span>
                                <span class="muted">" " {meaning(&event)}</span>
                            </span>
                        </label>
                    }
                })
                .collect_view()}
        </fieldset>
    }
    .into_any()
}

/// The secret stands in the form before it is saved: once, for whoever saves it.
#[component]
pub fn SecretField(offer: String, error: Signal<Option<AppError>>) -> impl IntoView {
    let said = RwSignal::new("Copy");
    let copy = move |_| {
        browser::copy("secret", move |done| {
            said.set(if done { "Copied" } else { "Selected" });
        });
    };
    view! {
        <div class="field">
            <label for="secret">"Secret"</label>
            <div class="beside">
                <input
                    class="input mono"
                    id="secret"
                    name="secret"
                    value=offer
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    required
                    aria-invalid=wrong(error, "Secret")
                    aria-describedby="secret-note"
                />
                <button type="button" class="btn only-live" on:click=copy>
                    <span aria-live="polite">{move || said.get()}</span>
                </button>
            </div>
            <p class="hint" id="secret-note">
                "Give it to the receiver now: once saved, nobody is shown it again. One of your own will do too: whsec_ and the base64 of 24 to 64 random bytes."
            </p>
        </div>
    }
    .into_any()
}
