//! `/admin/groups`: groups with somebody in them, and who.

use leptos::prelude::*;

use super::Sections;
use super::search::{SearchBar, address, use_page_query};
use super::server_fns::groups;
use crate::browser;
use crate::components::empty::Empty;
use crate::components::fresh::fresh_class;
use crate::components::icon::Glyph;
use crate::components::number::grouped;
use crate::components::pager::Pager;
use crate::components::problem::{Problem, StaleStrip, use_dim};
use crate::components::rows::{Cell, Row, Rows};
use crate::components::skeleton::Skeleton;
use crate::components::update_bar::UpdateBar;
use crate::live::follow::{Plan, follow};
use crate::model::admin::{GroupRow, Page};
use crate::protocol::topic;

const PATH: &str = "/admin/groups";
const LIST: &str = "groups";

impl Row for GroupRow {
    fn key(&self) -> &str {
        &self.name
    }
}

/// The page.
#[component]
pub fn GroupsPage() -> impl IntoView {
    let query = use_page_query();
    let snapshot =
        Resource::new_blocking(move || query.get(), |(search, page)| groups(search, page));
    view! {
        <Sections />
        <SearchBar path=PATH hint="Part of a group's name" />
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
fn List(page: Page<GroupRow>, search: String, number: u32) -> impl IntoView {
    let total = RwSignal::new(page.total);
    let as_of = page.as_of;
    let rows = Rows::new(page.rows);
    let asked = search.clone();
    let list = follow(Plan {
        topic: topic::ADMIN_GROUPS.to_owned(),
        as_of,
        pace: 1_000,
        fetch: Box::new(move || groups(asked.clone(), number)),
        take: Callback::new(move |page: Page<GroupRow>| {
            total.set(page.total);
            rows.offer(page.rows, browser::undisturbed(LIST));
        }),
        apply: Callback::new(|_| {}),
    });
    let dim = use_dim(list);
    let filtered = search.clone();
    let searched = !search.is_empty();
    let nothing = move || {
        let text = if filtered.is_empty() {
            "Groups appear here while somebody in them is connected.".to_owned()
        } else {
            format!("No group with somebody in it matches “{filtered}”.")
        };
        view! {
            <Empty glyph=Glyph::Users title="No groups" text=text>
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
            aria-label="Groups"
        >
            <Show when=move || !rows.is_empty() fallback=nothing>
                <table>
                    <caption class="vh">"Groups with somebody connected, by name"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Group"</th>
                            <th scope="col" class="hide-phone">"Kind"</th>
                            <th scope="col">"Members online"</th>
                            <th scope="col" class="num">"People"</th>
                            <th scope="col" class="num hide-phone">"Connections"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || rows.shown() key=Clone::clone let:key>
                            {rows.cell(&key).map(|cell| view! { <GroupLine cell /> })}
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
fn GroupLine(cell: Cell<GroupRow>) -> impl IntoView {
    let row: Signal<GroupRow> = cell.row.into();
    let changes = cell.changes;
    let name = row.read_untracked().name.clone();
    let members = Memo::new(move |_| {
        let row = row.read();
        let shown = row.members.join(", ");
        match row.users - i64::try_from(row.members.len()).unwrap_or(0) {
            ..=0 => shown,
            more => format!("{shown} and {} more", grouped(more)),
        }
    });
    view! {
        <tr class=move || fresh_class(changes.get())>
            <th scope="row" class="w30">
                <span class="cut mono" title=name.clone()>
                    {name.clone()}
                </span>
            </th>
            <td class="muted hide-phone">{move || row.read().kind.clone()}</td>
            <td class="fill live">
                <span class="cut" title=move || members.get()>
                    {move || members.get()}
                </span>
            </td>
            <td class="num live">{move || grouped(row.read().users)}</td>
            <td class="num muted live hide-phone">{move || grouped(row.read().connections)}</td>
        </tr>
    }
    .into_any()
}
