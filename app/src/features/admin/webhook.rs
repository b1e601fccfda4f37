//! One webhook: how it is doing, its newest tries, and what can be done to it.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::bulk::Failed;
use super::poll::{AsOf, poll};
use super::webhook_fns::{DoToWebhook, TestWebhook, load_webhooks};
use super::webhook_form::{EditWebhook, SecretForm};
use super::webhook_tries::Tries;
use super::webhooks::{EVERY_MS, PATH, address, events_of, of_state, requests_of};
use crate::browser;
use crate::components::badge::{Badge, Tone};
use crate::components::button::{Look, Submit};
use crate::components::dialog::{Dialog, Dismiss};
use crate::components::time::{Shape, Time};
use crate::components::toast::{Toast, Toasts};
use crate::model::Moment;
use crate::model::webhooks::{State, WebhookRow, Webhooks};

const REMOVE: &str = "remove-webhook";
const PAUSE: &str = "pause-webhook";

/// The page of one.
#[component]
pub fn WebhookDetail(
    first: Webhooks,
    /// Its inner id.
    of: String,
    /// A secret nobody has yet, when another one is to be set.
    offer: String,
) -> impl IntoView {
    let Some(row) = first.rows.first().cloned() else {
        return ().into_any();
    };
    let events = first.events.clone();
    let id = of.clone();
    let all = poll(first, EVERY_MS, move || load_webhooks(of.clone()));
    let fallback = row.clone();
    let now = Memo::new(move |_| {
        let all = all.now.read();
        all.rows
            .first()
            .cloned()
            .unwrap_or_else(|| fallback.clone())
    });
    let gone = Memo::new(move |_| all.now.read().rows.is_empty());
    let tries = Memo::new(move |_| all.now.read().tries.clone());
    let state = Signal::derive(move || now.read().state);
    let tone = Signal::derive(move || of_state(state.get()).0);
    let word = Signal::derive(move || of_state(state.get()).1);
    let changed = Callback::new(move |()| all.refresh());
    let secret = (!offer.is_empty()).then(|| {
        let id = id.clone();
        view! { <SecretForm id offer /> }
    });
    view! {
        <div class="tablewrap" id="webhook" tabindex="0" role="region" aria-label="Webhook">
            <div class="exhead">
                <div class="hrow">
                    <h2 class="mono">{row.key.clone()}</h2>
                    <Badge tone word />
                    <a class="link" href=PATH>
                        "All webhooks"
                    </a>
                </div>
                <p class="verdict">
                    {move || match gone.get() {
                        true => "Somebody removed it.".to_owned(),
                        false => verdict(&now.read()),
                    }}
                </p>
                <Deeds id=id.clone() name=row.key.clone() state changed />
            </div>
            {secret}
            <div class="exgrid">
                <section class="exdev" aria-labelledby="h-tries">
                    <h2 id="h-tries">"Newest requests"</h2>
                    <Tries tries />
                </section>
                <div class="pad side">
                    <Facts now />
                    <EditWebhook row events state saved=changed />
                </div>
            </div>
        </div>
        <AsOf as_of=all.as_of failed=all.failed below=true />
    }
    .into_any()
}

/// How it stands, in a sentence.
fn verdict(row: &WebhookRow) -> String {
    let why = row.failure.trim_end_matches('.');
    match row.state {
        State::New => "Nothing was sent to it yet. Try it with a test.".to_owned(),
        State::Healthy => "It takes what it is sent.".to_owned(),
        State::Failing => format!(
            "It did not take the last request: {why}. That is sent again, with growing pauses, for a day."
        ),
        State::GivenUp => {
            let last = if why.is_empty() {
                String::new()
            } else {
                format!(" The last one: {why}.")
            };
            format!(
                "Nothing is sent any more: {}.{last} What happens now is not noted for it.",
                row.disabled
            )
        }
        State::Paused => {
            "Paused: nothing is sent. What waited is kept, what happens now is not noted for it."
                .to_owned()
        }
    }
}

/// Test, pause or resume, another secret, remove.
#[component]
fn Deeds(id: String, name: String, state: Signal<State>, changed: Callback<()>) -> impl IntoView {
    let test = ServerAction::<TestWebhook>::new();
    let act = ServerAction::<DoToWebhook>::new();
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let stopped = Memo::new(move |_| matches!(state.get(), State::GivenUp | State::Paused));
    let gone = name.clone();
    Effect::watch(
        move || act.version().get(),
        move |_, _, _| {
            if !matches!(*act.value().read_untracked(), Some(Ok(()))) {
                return;
            }
            // Closed before what it stands in goes away: the focus then returns to the page.
            browser::close_popover(PAUSE);
            if browser::popover_open(REMOVE) {
                browser::close_popover(REMOVE);
                toasts.show(Toast {
                    tone: Tone::Ok,
                    title: format!("Removed {gone}"),
                    body: "Nothing is sent to it any more.".to_owned(),
                    link: None,
                });
                navigate(PATH, NavigateOptions::default());
            } else {
                changed.run(());
            }
        },
        false,
    );
    Effect::watch(
        move || test.version().get(),
        move |_, _, _| changed.run(()),
        false,
    );
    let result = move || match (test.pending().get(), test.value().get()) {
        (false, Some(Ok(done))) => {
            let (tone, words) = match (done.failure.as_str(), done.status) {
                ("", Some(status)) => ("ok", format!("The test was taken: answered {status}.")),
                ("", None) => ("ok", "The test was taken.".to_owned()),
                (why, _) => ("bad", format!("The test was not taken: {why}.")),
            };
            Some(view! {
                <span class="result">
                    <i class=format!("dot {tone}") aria-hidden="true"></i>
                    {words}
                </span>
            })
        }
        _ => None,
    };
    let refused = Signal::derive(move || {
        let first = act.value().get().and_then(Result::err);
        first.or_else(|| test.value().get().and_then(Result::err))
    });
    let secret = format!("{}&secret=1", address(&id));
    let id = StoredValue::new(id);
    view! {
        <div class="deeds">
            <ActionForm action=test>
                <input type="hidden" name="id" value=id.get_value() />
                <Submit label="Send a test" doing="Sending" pending=test.pending() />
            </ActionForm>
            <Show
                when=move || stopped.get()
                fallback=|| {
                    view! {
                        <button type="button" class="btn" popovertarget=PAUSE>
                            "Pause…"
                        </button>
                    }
                }
            >
                <ActionForm action=act>
                    <input type="hidden" name="id" value=id.get_value() />
                    <input type="hidden" name="deed" value="resume" />
                    <Submit
                        label="Send to it again"
                        doing="Resuming"
                        pending=act.pending()
                        look=Look::Primary
                    />
                </ActionForm>
            </Show>
            <a class="btn" href=secret>
                "Change secret…"
            </a>
            <button type="button" class="btn" popovertarget=REMOVE>
                "Remove…"
            </button>
        </div>
        <p class="small" role="status">
            {result}
        </p>
        <Failed error=refused />
        <Asked
            dialog=PAUSE
            title=format!("Pause {name}")
            text="Nothing is sent to it and nothing noted for it until somebody resumes it. What waits in requests is kept; what happens meanwhile it is never told."
            id=id.get_value()
            deed="pause"
            keep="Keep sending"
            label="Pause webhook"
            doing="Pausing"
            act
        />
        <Asked
            dialog=REMOVE
            title=format!("Remove {name}")
            text="It is told nothing any more, and what waits for it is deleted. A webhook of the same id can be added again, with another secret."
            id=id.get_value()
            deed="remove"
            keep="Keep it"
            label="Remove webhook"
            doing="Removing"
            act
        />
    }
    .into_any()
}

/// Asks before a deed.
#[component]
fn Asked(
    dialog: &'static str,
    title: String,
    text: &'static str,
    id: String,
    deed: &'static str,
    keep: &'static str,
    label: &'static str,
    doing: &'static str,
    act: ServerAction<DoToWebhook>,
) -> impl IntoView {
    let error = Signal::derive(move || act.value().get().and_then(Result::err));
    view! {
        <Dialog id=dialog title=Signal::stored(title)>
            <ActionForm action=act>
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="deed" value=deed />
                <div class="body">
                    <p>{text}</p>
                    <Failed error />
                </div>
                <div class="foot">
                    <Dismiss dialog label=keep />
                    <Submit label doing pending=act.pending() look=Look::Danger />
                </div>
            </ActionForm>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Facts(now: Memo<WebhookRow>) -> impl IntoView {
    let waits = move || {
        let row = now.read();
        let words: Vec<String> = [
            (row.waiting_requests > 0).then(|| requests_of(row.waiting_requests)),
            (row.waiting_events > 0).then(|| events_of(row.waiting_events)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if words.is_empty() {
            "nothing".to_owned()
        } else {
            words.join(", ")
        }
    };
    let service = now.read_untracked().service.clone();
    view! {
        <section class="sec" aria-labelledby="h-facts">
            <h3 id="h-facts">"Facts"</h3>
            <dl class="pairs">
                <div>
                    <dt>"Service"</dt>
                    <dd class="mono">{service}</dd>
                </div>
                <Since label="Last taken" none="never" at=move || now.read().taken_at />
                <Since label="Last refused" none="never" at=move || now.read().failed_at />
                <div>
                    <dt>"Waiting"</dt>
                    <dd>{waits}</dd>
                </div>
                <Since label="Oldest waits since" none="" at=move || now.read().waiting_since />
                <div>
                    <dt>"Given up"</dt>
                    <dd>
                        {move || match now.read().dead_requests {
                            0 => "none".to_owned(),
                            dead => requests_of(dead),
                        }}
                    </dd>
                </div>
                <Since label="Stopped" none="" at=move || now.read().disabled_at />
                <Since
                    label="Old secret signs until"
                    none=""
                    at=move || now.read().old_secret_until
                />
            </dl>
        </section>
    }
    .into_any()
}

/// An instant that may not be; without a word for that, the line is left out.
#[component]
fn Since(
    label: &'static str,
    none: &'static str,
    at: impl Fn() -> Option<Moment> + Send + Sync + 'static,
) -> impl IntoView {
    let at = Memo::new(move |_| at());
    let line = move || {
        let words = match at.get() {
            Some(at) => view! { <Time at=Signal::stored(at) shape=Shape::Stamp /> }.into_any(),
            None if none.is_empty() => return None,
            None => none.into_any(),
        };
        Some(view! {
            <div>
                <dt>{label}</dt>
                <dd>{words}</dd>
            </div>
        })
    };
    line.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_says_why() {
        let mut row = WebhookRow {
            id: String::new(),
            service: "app".to_owned(),
            key: "receipts".to_owned(),
            url: String::new(),
            events: Vec::new(),
            state: State::Failing,
            disabled: String::new(),
            disabled_at: None,
            failure: "answered 500".to_owned(),
            taken_at: None,
            failed_at: None,
            old_secret_until: None,
            waiting_events: 0,
            waiting_requests: 1,
            waiting_since: None,
            dead_requests: 0,
        };
        assert!(verdict(&row).contains("the last request: answered 500."));
        row.state = State::GivenUp;
        row.disabled = "nothing was taken for a day".to_owned();
        let words = verdict(&row);
        assert!(words.starts_with("Nothing is sent any more: nothing was taken for a day."));
        assert!(words.contains("The last one: answered 500."));
    }
}
