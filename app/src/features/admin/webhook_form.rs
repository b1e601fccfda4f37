//! The forms of a webhook: a new one, address and events of one that is there, another secret.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::bulk::Failed;
use super::refused::wrong;
use super::webhook_fields::{AddressField, EventsField, SecretField, ServiceField};
use super::webhook_fns::{ChangeSecret, SaveWebhook};
use super::webhooks::{PATH, address};
use crate::browser;
use crate::components::badge::Tone;
use crate::components::button::{Look, Submit};
use crate::components::toast::{Toast, Toasts};
use crate::model::webhooks::{State, WebhookRow, Webhooks};

fn toast(title: &str, body: &str) -> Toast {
    Toast {
        tone: Tone::Ok,
        own: true,
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
