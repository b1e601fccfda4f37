//! `/admin/connections`: who is connected, and closing connections.

use std::collections::BTreeSet;

use leptos::prelude::*;

use super::Sections;
use super::disconnect::BulkBar;
use super::search::{SearchBar, address, use_page_query};
use super::server_fns::connections;
use crate::browser;
use crate::components::clock::Clock;
use crate::components::empty::Empty;
use crate::components::fresh::row_class;
use crate::components::icon::Glyph;
use crate::components::number::bytes;
use crate::components::pager::Pager;
use crate::components::problem::{Problem, StaleStrip, use_dim};
use crate::components::rows::{Cell, Row, Rows};
use crate::components::skeleton::Skeleton;
use crate::components::time::{Shape, Time};
use crate::components::update_bar::UpdateBar;
use crate::components::words::short_span;
use crate::live::follow::{Plan, follow};
use crate::model::admin::{ConnectionRow, Page};
use crate::protocol::topic;

const PATH: &str = "/admin/connections";
const LIST: &str = "connections";

impl Row for ConnectionRow {
    fn key(&self) -> &str {
        &self.id
    }
}

/// The page.
#[component]
pub fn ConnectionsPage() -> impl IntoView {
    let query = use_page_query();
    let snapshot = Resource::new_blocking(
        move || query.get(),
        |(search, page)| connections(search, page),
    );
    view! {
        <Sections />
        <SearchBar path=PATH hint="Name, user, device or address" />
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
fn List(page: Page<ConnectionRow>, search: String, number: u32) -> impl IntoView {
    let total = RwSignal::new(page.total);
    let as_of = page.as_of;
    let rows = Rows::new(page.rows);
    let picked = RwSignal::new(BTreeSet::<String>::new());
    let asked = search.clone();
    let list = follow(Plan {
        topic: topic::ADMIN_CONNECTIONS.to_owned(),
        as_of,
        pace: 1_000,
        fetch: Box::new(move || connections(asked.clone(), number)),
        take: Callback::new(move |page: Page<ConnectionRow>| {
            total.set(page.total);
            let here: BTreeSet<String> = page.rows.iter().map(|row| row.id.clone()).collect();
            // A connection that closed leaves the selection: nobody disconnects what is gone.
            picked.update(|picked| picked.retain(|id| here.contains(id)));
            let quiet = picked.with_untracked(BTreeSet::is_empty);
            rows.offer(page.rows, quiet && browser::undisturbed(LIST));
        }),
        apply: Callback::new(|_| {}),
    });
    let dim = use_dim(list);
    let all = move || {
        let shown = rows.shown();
        !shown.is_empty() && shown.iter().all(|id| picked.read().contains(id))
    };
    let some = move || !picked.read().is_empty() && !all();
    let filtered = search.clone();
    let nothing = move || {
        if filtered.is_empty() {
            view! {
                <Empty
                    glyph=Glyph::Plug
                    title="Nobody is connected"
                    text="Open connections appear here the moment they are made."
                />
            }
            .into_any()
        } else {
            view! {
                <Empty
                    glyph=Glyph::Filter
                    title="No connection matches"
                    text=format!("Nothing open matches “{filtered}”.")
                >
                    <a class="link" href=PATH>
                        "Clear the search"
                    </a>
                </Empty>
            }
            .into_any()
        }
    };

    view! {
        <UpdateBar rows />
        <StaleStrip list />
        <div class="tablewrap" id=LIST class:dim=dim>
            <Show when=move || !rows.is_empty() fallback=nothing>
                <table class="compact conns">
                    <caption class="vh">"Open connections, newest first"</caption>
                    <thead>
                        <tr>
                            <th scope="col" class="only-live">
                                <label class="pick">
                                    <input
                                        type="checkbox"
                                        prop:checked=all
                                        prop:indeterminate=some
                                        on:change=move |event| {
                                            if event_target_checked(&event) {
                                                picked.set(rows.shown().into_iter().collect());
                                            } else {
                                                picked.set(BTreeSet::new());
                                            }
                                        }
                                    />
                                    <span class="vh">"Select all on this page"</span>
                                </label>
                            </th>
                            <th scope="col" class="hide-phone">"Connection"</th>
                            <th scope="col">"Who"</th>
                            <th scope="col" class="hide-narrow">"Device"</th>
                            <th scope="col" class="hide-narrow">"Client"</th>
                            <th scope="col" class="hide-phone">"Transport"</th>
                            <th scope="col" class="hide-narrow">"Address"</th>
                            <th scope="col" class="num hide-phone">"Since"</th>
                            <th scope="col" class="num hide-phone">"Idle"</th>
                            <th scope="col" class="num hide-narrow">"Groups"</th>
                            <th scope="col" class="num">"Buffer"</th>
                            <th scope="col" class="num">"Unacked"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || rows.shown() key=Clone::clone let:key>
                            {rows.cell(&key).map(|cell| view! { <ConnectionLine cell picked /> })}
                        </For>
                    </tbody>
                </table>
            </Show>
        </div>
        <BulkBar rows picked list />
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
fn ConnectionLine(cell: Cell<ConnectionRow>, picked: RwSignal<BTreeSet<String>>) -> impl IntoView {
    let clock = Clock::here();
    let row: Signal<ConnectionRow> = cell.row.into();
    let changes = cell.changes;
    let first = row.get_untracked();
    let id = StoredValue::new(first.id.clone());
    let short = middle_cut(&first.id);
    let on = move || picked.read().contains(&id.get_value());
    let toggle = move |event| {
        let now = event_target_checked(&event);
        picked.update(|picked| {
            if now {
                picked.insert(id.get_value())
            } else {
                picked.remove(&id.get_value())
            };
        });
    };
    let idle = move || short_span(clock.now().since(row.read().last_activity));
    let unacked = move || {
        let unacked = row.read().unacked;
        let class = match unacked {
            ..=0 => "faint",
            1 => "",
            _ => "chip warn",
        };
        view! { <span class=class>{unacked}</span> }
    };
    view! {
        <tr class=move || row_class(changes.get(), on())>
            <td class="only-live">
                <label class="pick">
                    <input type="checkbox" prop:checked=on on:change=toggle />
                    <span class="vh">{format!("Select {}, {short}", first.name)}</span>
                </label>
            </td>
            <td class="mono hide-phone" title=first.id.clone()>
                {short.clone()}
            </td>
            <th scope="row" class="w30">
                <span class="cut" title=first.name.clone()>
                    {first.name.clone()}
                </span>
                <span class="mono faint only-phone-block">{short.clone()}</span>
            </th>
            <td class="mono muted hide-narrow">{first.device}</td>
            <td class="muted hide-narrow">{first.client}</td>
            <td class="muted hide-phone">{first.transport}</td>
            <td class="mono muted hide-narrow">{first.address}</td>
            <td class="num muted hide-phone">
                <Time at=Signal::stored(first.since) shape=Shape::Ago />
            </td>
            <td class="num muted hide-phone">{idle}</td>
            <td class="num muted hide-narrow">{move || row.read().groups}</td>
            <td class="num live" class:faint=move || row.read().buffer == 0>
                {move || bytes(row.read().buffer)}
            </td>
            <td class="num live">{unacked}</td>
        </tr>
    }
    .into_any()
}

/// Both ends of an id: they are what people compare.
fn middle_cut(id: &str) -> String {
    let letters: Vec<char> = id.chars().collect();
    if letters.len() <= 12 {
        return id.to_owned();
    }
    let (head, tail) = (&letters[..7], &letters[letters.len() - 4..]);
    format!(
        "{}…{}",
        head.iter().collect::<String>(),
        tail.iter().collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::middle_cut;

    #[test]
    fn ids_keep_both_ends() {
        assert_eq!(middle_cut("cx_7Qm2aaaaaaaat9Fa"), "cx_7Qm2…t9Fa");
        assert_eq!(middle_cut("short"), "short");
    }
}
