//! `/admin/webhooks`: where services are told what became of their notifications. `?of=` shows one, `?new=1` the form
//! of a new one, `?of=…&secret=1` that of another secret.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::Sections;
use super::poll::{AsOf, poll};
use super::webhook::WebhookDetail;
use super::webhook_fns::{load_webhooks, suggest_secret};
use super::webhook_form::NewWebhook;
use crate::components::badge::{Badge, Tone};
use crate::components::empty::Empty;
use crate::components::icon::Glyph;
use crate::components::number::grouped;
use crate::components::problem::Problem;
use crate::components::rows::{Cell, Row, Rows};
use crate::components::skeleton::Skeleton;
use crate::components::time::{Shape, Time};
use crate::error::AppError;
use crate::features::sign_in::escape;
use crate::model::webhooks::{State, WebhookRow, Webhooks};

/// Where the page stands.
pub const PATH: &str = "/admin/webhooks";
/// Webhooks have no topic: they are asked for again while somebody looks.
pub const EVERY_MS: u64 = 2_000;

/// Address of one.
#[must_use]
pub fn address(id: &str) -> String {
    format!("{PATH}?of={}", escape(id))
}

impl Row for WebhookRow {
    #[expect(
        clippy::misnamed_getters,
        reason = "its own `key` is one of its service, not of the list"
    )]
    fn key(&self) -> &str {
        &self.id
    }
}

/// The page.
#[component]
pub fn WebhooksPage() -> impl IntoView {
    let query = use_query_map();
    let asked = Memo::new(move |_| {
        let query = query.read();
        let of = query.get("of").unwrap_or_default();
        (
            of,
            query.get("new").is_some(),
            query.get("secret").is_some(),
        )
    });
    let snapshot = Resource::new_blocking(
        move || asked.get(),
        |(of, new, secret)| async move {
            let all = load_webhooks(of).await?;
            let offer = if new || secret {
                suggest_secret().await?
            } else {
                String::new()
            };
            Ok::<_, AppError>((all, offer))
        },
    );
    view! {
        <Sections />
        <Transition fallback=|| {
            view! { <Skeleton rows=6 /> }
        }>
            {move || {
                let (of, new, _) = asked.get();
                Suspend::new(async move {
                    match snapshot.await {
                        Ok((all, offer)) if new => view! { <NewWebhook all offer /> }.into_any(),
                        Ok((first, _)) if of.is_empty() => view! { <Shelf first /> }.into_any(),
                        Ok((first, _)) if first.rows.is_empty() => {
                            let what = "webhook".to_owned();
                            view! { <Problem error=AppError::NotFound { what } /> }.into_any()
                        }
                        Ok((first, offer)) => {
                            view! { <WebhookDetail first of offer /> }.into_any()
                        }
                        Err(error) => {
                            let retry = Callback::new(move |()| snapshot.refetch());
                            view! { <Problem error retry /> }.into_any()
                        }
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}

#[component]
fn Shelf(first: Webhooks) -> impl IntoView {
    let rows = Rows::new(first.rows.clone());
    let all = poll(first, EVERY_MS, || load_webhooks(String::new()));
    Effect::watch(
        move || all.now.get(),
        move |all, _, _| rows.offer(all.rows.clone(), true),
        false,
    );
    let nothing = || {
        view! {
            <Empty
                glyph=Glyph::Webhook
                title="No webhook yet".to_owned()
                text="A webhook tells a service's own system what became of its notifications, by signed requests."
                    .to_owned()
            >
                <a class="link" href="/admin/webhooks?new=1">
                    "Add a webhook"
                </a>
            </Empty>
        }
    };
    view! {
        <div class="tablewrap" id="webhooks" tabindex="0" role="region" aria-label="Webhooks">
            <div class="hrow pad">
                <h2>"Webhooks"</h2>
                <a class="btn" href="/admin/webhooks?new=1">
                    "Add webhook"
                </a>
            </div>
            <Show when=move || !rows.is_empty() fallback=nothing>
                <table class="two-lines">
                    <caption class="vh">"Webhooks, by service"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Webhook"</th>
                            <th scope="col" class="hide-phone">"Tells"</th>
                            <th scope="col">"State"</th>
                            <th scope="col" class="num hide-phone">"Waiting"</th>
                            <th scope="col" class="num hide-phone">"Last taken"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || rows.shown() key=Clone::clone let:key>
                            {rows.cell(&key).map(|cell| view! { <Line cell /> })}
                        </For>
                    </tbody>
                </table>
            </Show>
        </div>
        <AsOf as_of=all.as_of failed=all.failed below=true />
    }
    .into_any()
}

#[component]
fn Line(cell: Cell<WebhookRow>) -> impl IntoView {
    let row: Signal<WebhookRow> = cell.row.into();
    let first = row.get_untracked();
    let tone = Signal::derive(move || of_state(row.read().state).0);
    let word = Signal::derive(move || of_state(row.read().state).1);
    let taken = move || match row.read().taken_at {
        Some(at) => view! { <Time at=Signal::stored(at) shape=Shape::Stamp /> }.into_any(),
        None => "never".into_any(),
    };
    let url = Memo::new(move |_| row.read().url.clone());
    view! {
        <tr>
            <th scope="row" class="w40">
                <a class="cut mono" href=address(&first.id)>
                    {first.key}
                </a>
                <span class="sub cut" title=move || url.get()>
                    {first.service} ": " {move || url.get()}
                </span>
            </th>
            <td class="fill muted hide-phone">
                <span class="cut">{move || told(&row.read().events)}</span>
            </td>
            <td>
                <Badge tone word even=true />
            </td>
            <td class="num muted hide-phone">{move || waiting(&row.read())}</td>
            <td class="num muted hide-phone">{taken}</td>
        </tr>
    }
    .into_any()
}

/// A state's badge.
pub fn of_state(state: State) -> (Tone, &'static str) {
    match state {
        State::New => (Tone::Unknown, "New"),
        State::Healthy => (Tone::Ok, "Healthy"),
        State::Failing => (Tone::Warn, "Failing"),
        State::GivenUp => (Tone::Bad, "Given up"),
        State::Paused => (Tone::Pause, "Paused"),
    }
}

/// `acked, settled`: events without what all of them begin with.
pub fn told(events: &[String]) -> String {
    let words = events.iter().map(|event| short(event));
    words.collect::<Vec<_>>().join(", ")
}

/// `acked` of `notification.acked`.
pub fn short(event: &str) -> &str {
    event.strip_prefix("notification.").unwrap_or(event)
}

/// Requests and events that wait, in one figure's place.
fn waiting(row: &WebhookRow) -> String {
    match (row.waiting_requests, row.waiting_events) {
        (0, 0) => "none".to_owned(),
        (requests, 0) => requests_of(requests),
        (0, events) => events_of(events),
        (requests, events) => format!("{}, {}", requests_of(requests), events_of(events)),
    }
}

/// `1 request`, `12 requests`.
pub fn requests_of(count: i64) -> String {
    match count {
        1 => "1 request".to_owned(),
        many => format!("{} requests", grouped(many)),
    }
}

/// `1 event`, `12 events`; the server counts up to 10,000.
pub fn events_of(count: i64) -> String {
    match count {
        1 => "1 event".to_owned(),
        10_000.. => format!("{}+ events", grouped(10_000)),
        many => format!("{} events", grouped(many)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let events = ["notification.acked", "notification.settled"].map(str::to_owned);
        assert_eq!(told(&events), "acked, settled");
        assert_eq!(events_of(10_000), "10,000+ events");
        assert_eq!(requests_of(1), "1 request");
        assert_eq!(address("a b"), "/admin/webhooks?of=a%20b");
    }
}
