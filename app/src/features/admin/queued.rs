//! `/admin/queued`: deliveries still owed, oldest first.

use leptos::prelude::*;

use super::list::{Console, Found, Kept, keep, screen};
use super::server_fns::queued;
use super::why::address;
use crate::browser;
use crate::components::badge::{Badge, Tone};
use crate::components::clock::Clock;
use crate::components::fresh::fresh_class;
use crate::components::icon::Glyph;
use crate::components::rows::{Cell, Row};
use crate::components::time::{Shape, Time};
use crate::components::words::short_span;
use crate::model::admin::QueuedRow;
use crate::protocol::topic;

static QUEUED: Console = Console {
    path: "/admin/queued",
    topic: topic::ADMIN_QUEUED,
    id: "queued",
    label: "Messages",
    hint: "Title, kind or recipient",
    glyph: Glyph::Mail,
    nothing: [
        "Nothing waits",
        "Messages appear here until their recipient has them.",
    ],
    no_match: ["No message matches", "Nothing that waits"],
    filters: &[],
};

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

fn owed(row: QueuedRow) -> Owed {
    Owed {
        key: format!("{}/{}", row.notification, row.user),
        row,
    }
}

/// The page.
#[component]
pub fn QueuedPage() -> impl IntoView {
    screen(&QUEUED, queued, list)
}

fn list(found: Found<QueuedRow>) -> AnyView {
    let quiet = |_: &[Owed]| browser::undisturbed(QUEUED.id);
    keep(&QUEUED, found, queued, owed, quiet).around(table, None)
}

fn table(kept: Kept<Owed>) -> AnyView {
    let rows = kept.rows;
    view! {
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
                <a
                    class="cut"
                    href=address(&first.notification, &first.user)
                    title=first.title.clone()
                >
                    {first.title.clone()}
                </a>
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
