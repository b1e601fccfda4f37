//! One webhook: how it is doing, its newest tries, and what can be done to it.

use leptos::prelude::*;

use super::poll::{AsOf, poll};
use super::webhook_deeds::Deeds;
use super::webhook_fns::load_webhooks;
use super::webhook_form::{EditWebhook, SecretForm};
use super::webhook_tries::Tries;
use super::webhooks::{EVERY_MS, PATH, events_of, of_state, requests_of};
use crate::components::badge::Badge;
use crate::components::time::{Shape, Time};
use crate::model::Moment;
use crate::model::webhooks::{State, WebhookRow, Webhooks};

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
                    {move || {
                        if gone.get() {
                            "Somebody removed it.".to_owned()
                        } else {
                            verdict(&now.read())
                        }
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
                <Since label="Last failed" none="never" at=move || now.read().failed_at />
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
