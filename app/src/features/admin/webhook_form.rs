//! The forms of a webhook: a new one, address and events of one that is there, another secret.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::bulk::Failed;
use super::webhook_fns::{ChangeSecret, SaveWebhook};
use super::webhooks::{PATH, address, short};
use crate::browser;
use crate::components::badge::Tone;
use crate::components::button::{Look, Submit};
use crate::components::toast::{Toast, Toasts};
use crate::error::AppError;
use crate::model::webhooks::{State, WebhookRow, Webhooks};

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

fn toast(title: &str, body: &str) -> Toast {
    Toast {
        tone: Tone::Ok,
        title: title.to_owned(),
        body: body.to_owned(),
        link: None,
    }
}

/// A new one.
#[component]
pub fn NewWebhook(
    all: Webhooks,
    /// A secret nobody has yet.
    offer: String,
) -> impl IntoView {
    let save = ServerAction::<SaveWebhook>::new();
    let toasts = Toasts::here();
    let navigate = use_navigate();
    Effect::watch(
        move || save.value().get(),
        move |answer, _, _| {
            if let Some(Ok(id)) = answer {
                toasts.show(toast(
                    "Webhook added",
                    "It is told what happens from now on.",
                ));
                navigate(&address(id), NavigateOptions::default());
            }
        },
        false,
    );
    let error = Signal::derive(move || save.value().get().and_then(Result::err));
    let several = all.services.len() > 1;
    let all_events = all.events.clone();
    view! {
        <div class="tablewrap" id="webhook-form" tabindex="0" role="region" aria-label="New webhook">
            <section class="pad">
                <div class="hrow narrow">
                    <h2>"New webhook"</h2>
                    <a class="link" href=PATH>
                        "All webhooks"
                    </a>
                </div>
                <ActionForm action=save attr:class="col class-form">
                    <ServiceField services=all.services several />
                    <div class="field">
                        <label for="key">"Id"</label>
                        <input
                            class="input"
                            id="key"
                            name="key"
                            autocomplete="off"
                            autocapitalize="none"
                            required
                            maxlength="64"
                            pattern="[A-Za-z0-9._\\-]+"
                            aria-invalid=wrong(error, "Id")
                            aria-describedby="key-note"
                        />
                        <p class="hint" id="key-note">
                            "The service's own name for it, such as receipts: letters, digits, dot, _ and -."
                        </p>
                    </div>
                    <AddressField url=String::new() error />
                    <EventsField all=all_events ticked=vec!["notification.settled".to_owned()] />
                    <SecretField offer error />
                    <Failed error />
                    <div class="foot-row">
                        <Submit
                            label="Add webhook"
                            doing="Adding"
                            pending=save.pending()
                            look=Look::Primary
                        />
                        <a class="btn" href=PATH>
                            "Cancel"
                        </a>
                    </div>
                </ActionForm>
            </section>
        </div>
    }
    .into_any()
}

/// Address and events of one that is there.
#[component]
pub fn EditWebhook(
    row: WebhookRow,
    /// What can be told.
    events: Vec<String>,
    /// As it stands now: saving has a stopped one sent to again.
    state: Signal<State>,
    /// It was saved.
    saved: Callback<()>,
) -> impl IntoView {
    let save = ServerAction::<SaveWebhook>::new();
    let toasts = Toasts::here();
    Effect::watch(
        move || save.value().get(),
        move |answer, _, _| {
            if let Some(Ok(_)) = answer {
                toasts.show(toast(
                    "Webhook saved",
                    "It counts for what is sent from now on.",
                ));
                saved.run(());
            }
        },
        false,
    );
    let error = Signal::derive(move || save.value().get().and_then(Result::err));
    let label = move || match state.get() {
        State::GivenUp | State::Paused => "Save and send again",
        _ => "Save",
    };
    view! {
        <section class="sec" aria-labelledby="h-edit">
            <h3 id="h-edit">"Address and events"</h3>
            <ActionForm action=save attr:class="col class-form tight">
                <input type="hidden" name="id" value=row.id />
                <AddressField url=row.url error />
                <EventsField all=events ticked=row.events />
                <Failed error />
                <div class="foot-row">
                    {move || {
                        view! { <Submit label=label() doing="Saving" pending=save.pending() /> }
                    }}
                </div>
            </ActionForm>
        </section>
    }
    .into_any()
}

/// Another secret.
#[component]
pub fn SecretForm(
    id: String,
    /// A secret nobody has yet.
    offer: String,
) -> impl IntoView {
    let change = ServerAction::<ChangeSecret>::new();
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let back = address(&id);
    let onwards = back.clone();
    Effect::watch(
        move || change.value().get(),
        move |answer, _, _| {
            if let Some(Ok(())) = answer {
                toasts.show(toast(
                    "Secret changed",
                    "For 24 hours the one before it signs too.",
                ));
                navigate(&onwards, NavigateOptions::default());
            }
        },
        false,
    );
    Effect::new(|| browser::focus("#secret"));
    let error = Signal::derive(move || change.value().get().and_then(Result::err));
    view! {
        <section class="asking" aria-labelledby="h-secret">
            <h2 id="h-secret">"Change the secret"</h2>
            <p>
                "From now on requests are signed with both: this one, and for 24 hours the one before it. A second change within that day makes the first one invalid at once."
            </p>
            <ActionForm action=change attr:class="col class-form tight">
                <input type="hidden" name="id" value=id />
                <SecretField offer error />
                <Failed error />
                <div class="foot-row">
                    <Submit
                        label="Change the secret"
                        doing="Changing"
                        pending=change.pending()
                        look=Look::Primary
                    />
                    <a class="btn" href=back>
                        "Keep it"
                    </a>
                </div>
            </ActionForm>
        </section>
    }
    .into_any()
}

/// Is this the field that was refused?
fn wrong(error: Signal<Option<AppError>>, label: &'static str) -> Signal<Option<&'static str>> {
    Signal::derive(move || match &*error.read() {
        Some(AppError::Invalid { field, .. }) if field == label => Some("true"),
        _ => None,
    })
}

#[component]
fn ServiceField(services: Vec<String>, several: bool) -> impl IntoView {
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

#[component]
fn AddressField(url: String, error: Signal<Option<AppError>>) -> impl IntoView {
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

#[component]
fn EventsField(all: Vec<String>, ticked: Vec<String>) -> impl IntoView {
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
fn SecretField(offer: String, error: Signal<Option<AppError>>) -> impl IntoView {
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
