//! `/admin/queued`: deliveries still owed, oldest first.

use leptos::prelude::*;

use super::Sections;
use super::search::{SearchBar, address, use_page_query};
use super::server_fns::queued;
use crate::browser;
use crate::components::badge::{Badge, Tone};
use crate::components::clock::Clock;
use crate::components::empty::Empty;
use crate::components::fresh::fresh_class;
use crate::components::icon::Glyph;
use crate::components::pager::Pager;
use crate::components::problem::{Problem, StaleStrip, use_dim};
use crate::components::rows::{Cell, Row, Rows};
use crate::components::skeleton::Skeleton;
use crate::components::time::{Shape, Time};
use crate::components::update_bar::UpdateBar;
use crate::components::words::short_span;
use crate::live::follow::{Plan, follow};
use crate::model::admin::{Page, QueuedRow};
use crate::protocol::topic;

const PATH: &str = "/admin/queued";
const LIST: &str = "queued";

/// A delivery has no id of its own: it is a notification owed to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owed {
    key: String,
    row: QueuedRow,
}

impl Row for Owed {
    fn key(&self) -> &str {
        &self.key
    }
}

fn owed(rows: Vec<QueuedRow>) -> Vec<Owed> {
    rows.into_iter()
        .map(|row| Owed {
            key: format!("{}/{}", row.notification, row.user),
            row,
        })
        .collect()
}

/// The page.
#[component]
pub fn QueuedPage() -> impl IntoView {
    let query = use_page_query();
    let snapshot =
        Resource::new_blocking(move || query.get(), |(search, page)| queued(search, page));
    view! {
        <Sections />
        <SearchBar path=PATH hint="Title, kind or recipient" />
        <Transition fallback=|| {
            view! { <Skeleton rows=12 /> }
        }>
            {move || {
                let (search, number) = query.get();
                Suspend::new(async move {
                    match snapshot.await {
                        Ok(page) => view! { <List page search number /> }.into_any(),
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
fn List(page: Page<QueuedRow>, search: String, number: u32) -> impl IntoView {
    let total = RwSignal::new(page.total);
    let as_of = page.as_of;
    let rows = Rows::new(owed(page.rows));
    let asked = search.clone();
    let list = follow(Plan {
        topic: topic::ADMIN_QUEUED.to_owned(),
        as_of,
        pace: 1_000,
        fetch: Box::new(move || queued(asked.clone(), number)),
        take: Callback::new(move |page: Page<QueuedRow>| {
            total.set(page.total);
            rows.offer(owed(page.rows), browser::undisturbed(LIST));
        }),
        apply: Callback::new(|_| {}),
    });
    let dim = use_dim(list);
    let filtered = search.clone();
    let searched = !search.is_empty();
    let nothing = move || {
        let (title, text) = if filtered.is_empty() {
            (
                "Nothing waits",
                "Messages appear here until their recipient has them.".to_owned(),
            )
        } else {
            (
                "No message matches",
                format!("Nothing that waits matches “{filtered}”."),
            )
        };
        view! {
            <Empty glyph=Glyph::Mail title=title text=text>
                {searched
                    .then(|| {
                        view! {
                            <a class="link" href=PATH>
                                "Clear the search"
                            </a>
                        }
                    })}
            </Empty>
        }
    };
    view! {
        <UpdateBar rows />
        <StaleStrip list />
        <div
            class="tablewrap"
            id=LIST
            class:dim=dim
            tabindex="0"
            role="region"
            aria-label="Messages"
        >
            <Show when=move || !rows.is_empty() fallback=nothing>
                <table class="two-lines">
                    <caption class="vh">"Messages still owed to somebody, oldest first"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Message"</th>
                            <th scope="col" class="hide-phone">"For"</th>
                            <th scope="col" class="gap-start">"State"</th>
                            <th scope="col" class="hide-phone">"Recipient"</th>
                            <th scope="col" class="num">"Age"</th>
                            <th scope="col" class="num hide-phone">"Attempts"</th>
                            <th scope="col" class="num hide-narrow">"Expires"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || rows.shown() key=Clone::clone let:key>
                            {rows.cell(&key).map(|cell| view! { <QueuedLine cell /> })}
                        </For>
                    </tbody>
                </table>
            </Show>
        </div>
        <Pager
            page=number
            rows=Signal::derive(move || rows.len())
            total
            href=|page, search| address(PATH, page, search)
            search
        />
    }
    .into_any()
}

#[component]
fn QueuedLine(cell: Cell<Owed>) -> impl IntoView {
    let clock = Clock::here();
    let row: Signal<Owed> = cell.row.into();
    let changes = cell.changes;
    let first = row.get_untracked().row;
    let state = Memo::new(move |_| {
        let row = &row.read().row;
        match (row.state.as_str(), row.online) {
            ("reached", _) => (Tone::Info, "Reached"),
            (_, true) => (Tone::Warn, "Queued"),
            (_, false) => (Tone::Rest, "Parked"),
        }
    });
    let online = move || {
        if row.read().row.online {
            "online"
        } else {
            "offline"
        }
    };
    let age = move || short_span(clock.now().since(row.read().row.at));
    view! {
        <tr class=move || fresh_class(changes.get())>
            <th scope="row" class="w40">
                <span class="cut" title=first.title.clone()>
                    {first.title.clone()}
                </span>
                <span class="sub cut">
                    <span class="mono">{first.kind.clone()}</span>
                    <span class="only-phone">" for " {first.name.clone()}</span>
                </span>
            </th>
            <td class="w24 hide-phone">
                <span class="cut" title=first.name.clone()>
                    {first.name.clone()}
                </span>
                <span class="sub cut">{first.user.clone()} ", no. " {first.seq}</span>
            </td>
            <td class="gap-start live">
                <Badge
                    tone=Signal::derive(move || state.get().0)
                    word=Signal::derive(move || state.get().1)
                    even=true
                />
            </td>
            <td class="muted live hide-phone">{online}</td>
            <td class="num">{age}</td>
            <td class="num live hide-phone">{move || row.read().row.attempts}</td>
            <td class="num muted hide-narrow">
                <Time at=Signal::stored(first.expires_at) shape=Shape::Stamp />
            </td>
        </tr>
    }
    .into_any()
}
