//! The list of the inbox, for the page and for the bell.

use leptos::form::ActionForm;
use leptos::prelude::*;

use super::days::DayHeading;
use super::row::ThreadRow;
use super::server_fns::{MarkItems, inbox};
use super::threads::{Thread, threads};
use crate::browser;
use crate::components::button::{Look, Submit};
use crate::components::empty::Empty;
use crate::components::icon::Glyph;
use crate::components::problem::{StaleStrip, use_dim};
use crate::components::rows::Rows;
use crate::components::update_bar::UpdateBar;
use crate::features::frame::counts::{self, Counts};
use crate::live::follow::{Plan, follow};
use crate::model::inbox::{InboxCounts, InboxItem, InboxPage, InboxTab, Mark};
use crate::protocol::{Patch, topic};

/// Rows by day, kept up to date. What is rendered here counts as seen.
#[component]
pub fn InboxList(
    /// The snapshot.
    page: InboxPage,
    /// Which part.
    tab: InboxTab,
    /// In the popover.
    #[prop(optional)]
    compact: bool,
) -> impl IntoView {
    let id = if compact { "bell-list" } else { "inbox-list" };
    let counts = Counts::here();
    let action = ServerAction::<MarkItems>::new();
    let more = RwSignal::new(page.more);
    let as_of = page.as_of;
    let rows = Rows::new(threads(&page.items, tab));
    let items = StoredValue::new(page.items);

    let put = move |new: Vec<InboxItem>| {
        items.update_value(|items| {
            items.retain(|item| !new.iter().any(|other| other.id == item.id));
            items.extend(new);
        });
    };
    let offer = move |apply: bool| rows.offer(items.with_value(|items| threads(items, tab)), apply);
    let list = follow(Plan {
        topic: topic::INBOX.to_owned(),
        as_of,
        pace: 0,
        fetch: Box::new(move || inbox(tab, None)),
        take: Callback::new(move |page: InboxPage| {
            counts.inbox.set(page.counts);
            more.set(page.more);
            items.set_value(page.items);
            offer(browser::undisturbed(id));
        }),
        apply: Callback::new(move |patch: Patch| {
            if let Some(new) = counts::read::<InboxCounts>(&patch) {
                counts.inbox.set(new);
            }
            put(counts::rows(&patch));
            items.update_value(|items| items.retain(|item| !patch.remove.contains(&item.id)));
            offer(browser::undisturbed(id));
            see(rows, items, counts);
        }),
    });
    Effect::new(move || {
        // Older pages are shown later, and seen then.
        let _ = rows.shown();
        see(rows, items, counts);
    });
    on_answer(action, counts, move |ids, mark| {
        items.update_value(|items| {
            for item in items.iter_mut().filter(|item| ids.contains(&item.id)) {
                engage(item, mark);
            }
        });
        // One's own archiving is no surprise: the row leaves at once, and the next one's same
        // button gets the focus.
        let moved = matches!(mark, Mark::Archive | Mark::Unarchive);
        let place = rows.truth().iter().position(|key| {
            rows.value(key)
                .is_some_and(|thread| ids.contains(&thread.latest.id))
        });
        offer(moved);
        if let (true, Some(place)) = (moved, place) {
            request_animation_frame(move || {
                browser::focus_in_row(&format!("#{id} .note"), place, "button[value$=archive]");
            });
        }
    });

    let unread = Memo::new(move |_| {
        let _ = counts.inbox.get();
        let shown = rows.shown();
        let unread = shown
            .iter()
            .filter_map(|key| rows.cell(key))
            .filter(|it| it.row.read().unread);
        unread.map(|cell| cell.row.read().ids()).collect::<Vec<_>>()
    });
    let dim = use_dim(list);

    view! {
        <div class="inbox-head">
            {compact.then(|| view! { <h2>"Inbox"</h2> })}
            <span class="grow"></span>
            <Show when=move || !unread.read().is_empty()>
                <ActionForm action>
                    <input type="hidden" name="ids" value=move || unread.read().join(",") />
                    {move || {
                        view! {
                            <Submit
                                label=mark_words(unread.read().len(), counts.inbox.get().unread)
                                doing="Marking"
                                pending=action.pending()
                                look=Look::Quiet
                                name="mark"
                                value="read"
                            />
                        }
                    }}
                </ActionForm>
            </Show>
        </div>
        <UpdateBar rows />
        <StaleStrip list />
        <div
            class="notes"
            id=id
            class:dim=dim
            on:keydown=move |event| browser::walk(&event, &format!("#{id} .note"), ".title")
        >
            <Show when=move || !rows.is_empty() fallback=move || nothing(tab)>
                <For each=move || rows.shown() key=Clone::clone let:key>
                    {rows
                        .cell(&key)
                        .map(|cell| {
                            view! {
                                <DayHeading rows key=key.clone() compact />
                                <ThreadRow cell action compact />
                            }
                        })}
                </For>
                {(!compact).then(|| view! { <Older more items rows tab /> })}
            </Show>
        </div>
    }
    .into_any()
}

/// Older pages are fetched on demand and stand below, where they push nothing away.
#[component]
fn Older(
    more: RwSignal<bool>,
    items: StoredValue<Vec<InboxItem>>,
    rows: Rows<Thread>,
    tab: InboxTab,
) -> impl IntoView {
    let load = Action::new_local(move |before: &i64| inbox(tab, Some(*before)));
    Effect::new(move || {
        if let Some(Ok(page)) = load.value().get() {
            more.set(page.more);
            items.update_value(|items| items.extend(page.items));
            rows.offer(items.with_value(|items| threads(items, tab)), true);
        }
    });
    let last = move || items.with_value(|items| items.iter().map(|item| item.seq).min());
    let next = move || last().map(|last| format!("/inbox?{}before={last}", tab_query(tab)));
    view! {
        <Show when=move || more.get()>
            <p class="older">
                <a
                    class="btn"
                    href=next
                    on:click=move |event| {
                        event.prevent_default();
                        if let Some(last) = last() {
                            load.dispatch(last);
                        }
                    }
                >
                    {move || if load.pending().get() { "Loading" } else { "Show older" }}
                </a>
                {move || {
                    load.value()
                        .get()
                        .and_then(Result::err)
                        .map(|error| view! { <span class="faint">{error.to_string()}</span> })
                }}
            </p>
        </Show>
    }
    .into_any()
}

fn tab_query(tab: InboxTab) -> &'static str {
    match tab {
        InboxTab::All => "",
        InboxTab::Unread => "tab=unread&",
        InboxTab::Archive => "tab=archive&",
    }
}

/// Tells the server what was shown, when somebody can see it.
fn see(rows: Rows<Thread>, items: StoredValue<Vec<InboxItem>>, counts: Counts) {
    if !browser::visible() || rows.truth().is_empty() {
        return;
    }
    let unseen: Vec<String> = items.with_value(|items| {
        items
            .iter()
            .filter(|item| !item.seen)
            .map(|item| item.id.clone())
            .collect()
    });
    if unseen.is_empty() {
        return;
    }
    items.update_value(|items| items.iter_mut().for_each(|item| item.seen = true));
    leptos::task::spawn_local(async move {
        if let Ok(new) = super::server_fns::mark_items(unseen.join(","), Mark::Seen).await {
            counts.inbox.set(new);
        }
    });
}

/// Puts a confirmed mark in place.
fn on_answer(
    action: ServerAction<MarkItems>,
    counts: Counts,
    engaged: impl Fn(&[String], Mark) + Send + Sync + 'static,
) {
    let sent = StoredValue::new(None::<MarkItems>);
    Effect::new(move || {
        if let Some(input) = action.input().get() {
            sent.set_value(Some(input));
        }
    });
    Effect::watch(
        move || action.value().get(),
        move |answer, _, _| {
            let Some(Ok(new)) = answer else { return };
            counts.inbox.set(*new);
            if let Some(MarkItems { ids, mark }) = sent.get_value() {
                let ids: Vec<String> = ids.split(',').map(str::to_owned).collect();
                engaged(&ids, mark);
            }
        },
        false,
    );
}

fn engage(item: &mut InboxItem, mark: Mark) {
    match mark {
        Mark::Seen => item.seen = true,
        Mark::Read => (item.seen, item.read) = (true, true),
        Mark::Unread => item.read = false,
        Mark::Archive => (item.seen, item.read, item.archived) = (true, true, true),
        Mark::Unarchive => item.archived = false,
    }
}

/// On the button that marks the rows that are loaded; `unread`: all there are, as the rail says it.
fn mark_words(rows: usize, unread: i64) -> String {
    match (rows, i64::try_from(rows).is_ok_and(|rows| rows < unread)) {
        (1, true) => "Mark this one read".to_owned(),
        (rows, true) => format!("Mark these {rows} read"),
        (rows, false) => format!("Mark {rows} read"),
    }
}

fn nothing(tab: InboxTab) -> impl IntoView {
    let (title, text, link) = match tab {
        InboxTab::All => (
            "You are caught up",
            "What needs you appears here the moment it is sent.",
            Some(("/inbox?tab=archive", "See the archive")),
        ),
        InboxTab::Unread => (
            "Nothing unread",
            "You read everything.",
            Some(("/inbox", "See all")),
        ),
        InboxTab::Archive => ("Nothing archived", "What you put away is kept here.", None),
    };
    view! {
        <Empty glyph=Glyph::Inbox title=title text=text>
            {link.map(|(href, words)| view! { <a href=href>{words}</a> })}
        </Empty>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::mark_words;

    #[test]
    fn the_button_says_that_there_are_more() {
        assert_eq!(mark_words(37, 59), "Mark these 37 read");
        assert_eq!(mark_words(2, 2), "Mark 2 read");
        assert_eq!(mark_words(1, 2), "Mark this one read");
    }
}
