//! `/admin/undelivered`: what ended without an ack, the latest first, and sending it again.

use std::collections::BTreeSet;

use leptos::prelude::*;

use super::list::{Console, Found, Kept, keep, screen};
use super::send_again::AgainBar;
use super::send_all::SendAll;
use super::server_fns::undelivered;
use super::why::address;
use crate::browser;
use crate::components::badge::{Badge, Tone};
use crate::components::fresh::row_class;
use crate::components::icon::Glyph;
use crate::components::rows::{Cell, Row};
use crate::components::time::{Shape, Time};
use crate::model::admin::DeadLetterRow;
use crate::protocol::topic;

static UNDELIVERED: Console = Console {
    path: "/admin/undelivered",
    topic: topic::ADMIN_QUEUED,
    id: "undelivered",
    label: "Undelivered",
    hint: "Title, recipient, kind: or user:",
    glyph: Glyph::Alert,
    nothing: [
        "Nothing was lost",
        "What expires or is given up before anybody acknowledged it appears here.",
    ],
    no_match: ["Nothing matches", "Nothing undelivered"],
    filters: &[
        ("", "All"),
        ("reason:expired", "Expired"),
        ("reason:ladder_ended", "Given up"),
        ("open:yes", "Not sent again"),
    ],
};

/// Ids of the rows whose boxes are ticked.
#[derive(Clone, Copy)]
struct Picked(RwSignal<BTreeSet<String>>);

impl Row for DeadLetterRow {
    fn key(&self) -> &str {
        &self.id
    }
}

/// The page.
#[component]
pub fn UndeliveredPage() -> impl IntoView {
    screen(&UNDELIVERED, undelivered, list)
}

fn list(found: Found<DeadLetterRow>) -> AnyView {
    let picked = RwSignal::new(BTreeSet::<String>::new());
    provide_context(Picked(picked));
    let quiet = move |fresh: &[DeadLetterRow]| {
        // What was sent again meanwhile leaves the selection.
        let open = |id: &String| {
            fresh
                .iter()
                .any(|row| row.id == *id && row.sent_again.is_none())
        };
        picked.update(|picked| picked.retain(open));
        picked.with_untracked(BTreeSet::is_empty) && browser::undisturbed(UNDELIVERED.id)
    };
    let search = found.search.clone();
    let kept = keep(&UNDELIVERED, found, undelivered, |row| row, quiet);
    let bulk = view! { <AgainBar picked list=kept.list /> };
    view! {
        <SendAll search total=kept.total() list=kept.list />
        {kept.around(table, Some(bulk.into_any()))}
    }
    .into_any()
}

fn table(kept: Kept<DeadLetterRow>) -> AnyView {
    let rows = kept.rows;
    let Picked(picked) = expect_context();
    let open = move || -> Vec<String> {
        let shown = rows.shown().into_iter();
        shown
            .filter(|id| rows.value(id).is_some_and(|row| row.sent_again.is_none()))
            .collect()
    };
    let all = move || {
        let open = open();
        !open.is_empty() && open.iter().all(|id| picked.read().contains(id))
    };
    let some = move || !picked.read().is_empty() && !all();
    view! {
        <table class="two-lines">
            <caption class="vh">"Undelivered messages, the latest first"</caption>
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
                                        picked.set(open().into_iter().collect());
                                    } else {
                                        picked.set(BTreeSet::new());
                                    }
                                }
                            />
                            <span class="vh">"Select all on this page"</span>
                        </label>
                    </th>
                    <th scope="col">"Message"</th>
                    <th scope="col" class="hide-phone">"For"</th>
                    <th scope="col" class="gap-start">"Reason"</th>
                    <th scope="col" class="num hide-phone">"Ended"</th>
                    <th scope="col" class="hide-narrow">"Sent again"</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || rows.shown() key=Clone::clone let:key>
                    {rows.cell(&key).map(|cell| view! { <LetterLine cell picked /> })}
                </For>
            </tbody>
        </table>
    }
    .into_any()
}

#[component]
fn LetterLine(cell: Cell<DeadLetterRow>, picked: RwSignal<BTreeSet<String>>) -> impl IntoView {
    let row: Signal<DeadLetterRow> = cell.row.into();
    let changes = cell.changes;
    let first = row.get_untracked();
    let id = StoredValue::new(first.id.clone());
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
    let (tone, word) = match first.reason.as_str() {
        "expired" => (Tone::Rest, "Expired"),
        "ladder_ended" => (Tone::Bad, "Given up"),
        "user_removed" => (Tone::Unknown, "User removed"),
        _ => (Tone::Unknown, "Too old"),
    };
    let title = if first.kind.is_empty() {
        "Its content is not kept any more".to_owned()
    } else {
        first.title.clone()
    };
    let name = if first.name.is_empty() {
        "removed".to_owned()
    } else {
        first.name.clone()
    };
    let seq = first.id.rsplit('/').next().unwrap_or_default().to_owned();
    let user = StoredValue::new(first.user.clone());
    let sent = move || {
        row.read().sent_again.clone().map(|by| {
            let href = address(&by, &user.get_value());
            view! {
                <a class="link" href=href>
                    "See it"
                </a>
            }
        })
    };
    let done = move || row.read().sent_again.is_some();
    view! {
        <tr class=move || row_class(changes.get(), on())>
            <td class="only-live">
                <label class="pick">
                    <input type="checkbox" prop:checked=on prop:disabled=done on:change=toggle />
                    <span class="vh">{format!("Select {title}, for {name}")}</span>
                </label>
            </td>
            <th scope="row" class="w40">
                <a
                    class="cut"
                    href=address(&first.notification, &first.user)
                    title=title.clone()
                >
                    {title.clone()}
                </a>
                <span class="sub cut">
                    <span class="mono">{first.kind.clone()}</span>
                    <span class="only-phone">" for " {name.clone()}</span>
                </span>
            </th>
            <td class="w24 hide-phone">
                <span class="cut" title=name.clone()>
                    {name.clone()}
                </span>
                <span class="sub cut">{first.user.clone()} ", no. " {seq}</span>
            </td>
            <td class="gap-start">
                <Badge tone=Signal::stored(tone) word=Signal::stored(word) even=true />
            </td>
            <td class="num muted hide-phone">
                <Time at=Signal::stored(first.at) shape=Shape::Stamp />
            </td>
            <td class="muted live hide-narrow">{sent}</td>
        </tr>
    }
    .into_any()
}
