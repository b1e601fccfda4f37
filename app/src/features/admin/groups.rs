//! `/admin/groups`: groups with somebody in them, and who.

use leptos::prelude::*;

use super::list::{Console, Found, Kept, keep, screen};
use super::server_fns::groups;
use crate::browser;
use crate::components::fresh::fresh_class;
use crate::components::icon::Glyph;
use crate::components::number::grouped;
use crate::components::rows::{Cell, Row};
use crate::model::admin::GroupRow;
use crate::protocol::topic;

static GROUPS: Console = Console {
    path: "/admin/groups",
    topic: topic::ADMIN_GROUPS,
    id: "groups",
    label: "Groups",
    hint: "Part of a group's name",
    glyph: Glyph::Users,
    nothing: [
        "No groups",
        "Groups appear here while somebody in them is connected.",
    ],
    no_match: ["No group matches", "No group with somebody in it"],
    filters: &[],
};

impl Row for GroupRow {
    fn key(&self) -> &str {
        &self.name
    }
}

/// The page.
#[component]
pub fn GroupsPage() -> impl IntoView {
    screen(&GROUPS, groups, list)
}

fn list(found: Found<GroupRow>) -> AnyView {
    let quiet = |_: &[GroupRow]| browser::undisturbed(GROUPS.id);
    keep(&GROUPS, found, groups, |row| row, quiet).around(table, None)
}

fn table(kept: Kept<GroupRow>) -> AnyView {
    let rows = kept.rows;
    view! {
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
