//! `/admin/connections`: who is connected, and closing connections.

use std::collections::BTreeSet;

use leptos::prelude::*;

use super::disconnect::DisconnectBar;
use super::list::{Console, Found, Kept, keep, screen};
use super::server_fns::connections;
use crate::browser;
use crate::components::clock::Clock;
use crate::components::fresh::row_class;
use crate::components::icon::Glyph;
use crate::components::number::bytes;
use crate::components::rows::{Cell, Row, Rows};
use crate::components::time::{Shape, Time};
use crate::components::words::short_span;
use crate::model::admin::ConnectionRow;
use crate::protocol::topic;

static CONNECTIONS: Console = Console {
    path: "/admin/connections",
    topic: topic::ADMIN_CONNECTIONS,
    id: "connections",
    label: "Connections",
    hint: "Name, user, device or address",
    glyph: Glyph::Plug,
    nothing: [
        "Nobody is connected",
        "Open connections appear here the moment they are made.",
    ],
    no_match: ["No connection matches", "Nothing open"],
    filters: &[],
};

/// Rows of a full page; the server's bound.
const PAGE: usize = 50;

/// Ids of the connections whose boxes are ticked.
#[derive(Clone, Copy)]
struct Picked(RwSignal<BTreeSet<String>>);

impl Row for ConnectionRow {
    fn key(&self) -> &str {
        &self.id
    }
}

/// The page.
#[component]
pub fn ConnectionsPage() -> impl IntoView {
    screen(&CONNECTIONS, connections, list)
}

fn list(found: Found<ConnectionRow>) -> AnyView {
    let picked = RwSignal::new(BTreeSet::<String>::new());
    provide_context(Picked(picked));
    let quiet = move |fresh: &[ConnectionRow]| {
        // A connection that closed leaves the selection: nobody disconnects what is gone.
        picked.update(|picked| picked.retain(|id| fresh.iter().any(|row| row.id == *id)));
        picked.with_untracked(BTreeSet::is_empty) && browser::undisturbed(CONNECTIONS.id)
    };
    let kept = keep(&CONNECTIONS, found, connections, |row| row, quiet);
    let bulk = view! { <DisconnectBar rows=kept.rows picked list=kept.list /> };
    kept.around(table, Some(bulk.into_any()))
}

fn table(kept: Kept<ConnectionRow>) -> AnyView {
    let rows = kept.rows;
    let Picked(picked) = expect_context();
    let open = move || -> Vec<String> {
        let shown = rows.shown().into_iter();
        shown.filter(|id| !is_closed(rows, id)).collect()
    };
    let all = move || {
        let open = open();
        !open.is_empty() && open.iter().all(|id| picked.read().contains(id))
    };
    let some = move || !picked.read().is_empty() && !all();
    view! {
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
                                        picked.set(open().into_iter().collect());
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
                    {rows.cell(&key).map(|cell| view! { <ConnectionLine cell picked rows /> })}
                </For>
            </tbody>
        </table>
    }
    .into_any()
}

/// Was this one closed? Tracked. The newest stand first: one that is older than the last of a full page only went to
/// the next.
fn is_closed(rows: Rows<ConnectionRow>, id: &str) -> bool {
    if rows.waiting().gone == 0 {
        return false;
    }
    let truth = rows.truth();
    if truth.iter().any(|one| one == id) {
        return false;
    }
    let since = |id: &str| rows.value(id).map(|row| row.since);
    let last = truth.last().filter(|_| truth.len() >= PAGE);
    last.is_none_or(|last| since(last) <= since(id))
}

#[component]
fn ConnectionLine(
    cell: Cell<ConnectionRow>,
    picked: RwSignal<BTreeSet<String>>,
    rows: Rows<ConnectionRow>,
) -> impl IntoView {
    let clock = Clock::here();
    let row: Signal<ConnectionRow> = cell.row.into();
    let changes = cell.changes;
    let first = row.get_untracked();
    let id = StoredValue::new(first.id.clone());
    let short = middle_cut(&first.id);
    // Browsers name themselves by 36 letters, which is more than the name of whoever sits there gets.
    let device = match first.device.chars().count() {
        ..=20 => first.device.clone(),
        _ => middle_cut(&first.device),
    };
    let on = move || picked.read().contains(&id.get_value());
    let closed = Memo::new(move |_| is_closed(rows, &id.read_value()));
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
    let class = move || {
        let class = row_class(changes.get(), on());
        if closed.get() {
            format!("{class} dim")
        } else {
            class.to_owned()
        }
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
        <tr class=class>
            <td class="only-live">
                <label class="pick">
                    <input type="checkbox" prop:checked=on prop:disabled=closed on:change=toggle />
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
            <td class="mono muted hide-narrow">
                <span title=first.device.clone()>{device}</span> {move || row.read().background.then_some(" (background)")}
            </td>
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
    use super::*;
    use crate::model::Moment;

    #[test]
    fn ids_keep_both_ends() {
        assert_eq!(middle_cut("cx_7Qm2aaaaaaaat9Fa"), "cx_7Qm2…t9Fa");
        assert_eq!(middle_cut("short"), "short");
    }

    fn connection(id: &str, since: i64) -> ConnectionRow {
        ConnectionRow {
            id: id.to_owned(),
            user: String::new(),
            name: String::new(),
            device: String::new(),
            client: String::new(),
            transport: String::new(),
            address: String::new(),
            since: Moment(since),
            last_activity: Moment(since),
            groups: 0,
            buffer: 0,
            unacked: 0,
            background: false,
            ack_mode: String::new(),
        }
    }

    #[test]
    fn what_went_to_the_next_page_is_not_closed() {
        let owner = Owner::new();
        owner.with(|| {
            let page = |newest: i64| -> Vec<ConnectionRow> {
                let first_to_last = (0..50).map(|place| newest - place);
                first_to_last
                    .map(|at| connection(&at.to_string(), at))
                    .collect()
            };
            let rows = Rows::new(page(100));
            assert!(!is_closed(rows, "100"));
            rows.offer(page(101), false);
            assert!(!is_closed(rows, "51"), "a newer one took its place");
            let mut without = page(101);
            without.retain(|row| row.id != "70");
            rows.offer(without, false);
            assert!(is_closed(rows, "70"));
            assert!(!is_closed(rows, "71"));
        });
    }
}
