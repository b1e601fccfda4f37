//! One of my lists, kept up to date.

use leptos::prelude::*;

use super::row::RequestRow;
use super::server_fns::approvals;
use crate::browser;
use crate::components::empty::Empty;
use crate::components::icon::Glyph;
use crate::components::problem::{StaleStrip, use_dim};
use crate::components::rows::Rows;
use crate::components::update_bar::UpdateBar;
use crate::features::frame::counts::{self, Counts};
use crate::live::follow::{Followed, Plan, follow};
use crate::model::approval::{ApprovalCounts, ApprovalList, ApprovalRow, ApprovalTab};
use crate::protocol::{Patch, topic};

const LIST: &str = "requests";

/// The list. A patch changes known rows at once, and fetches the list for all that comes and goes:
/// which tab a row belongs to is the server's to know.
#[component]
pub fn RequestList(
    /// The snapshot.
    list: ApprovalList,
    /// Which list it is.
    tab: ApprovalTab,
    /// The request that is open beside it.
    #[prop(into)]
    open: Signal<Option<String>>,
    /// Told of the list, so that a decision can refresh it.
    followed: RwSignal<Option<Followed>>,
) -> impl IntoView {
    let counts = Counts::here();
    let rows = Rows::new(list.rows);
    let take = move |list: ApprovalList| {
        counts.approvals.set(list.counts);
        // A row that is open beside the list counts as selected only once the person chose it;
        // the list itself must be at its top and untouched.
        rows.offer(list.rows, browser::undisturbed(LIST));
    };
    let itself = StoredValue::new(None::<Followed>);
    let apply = move |patch: Patch| {
        if let Some(new) = counts::read::<ApprovalCounts>(&patch) {
            counts.approvals.set(new);
        }
        let changed: Vec<ApprovalRow> = counts::rows(&patch);
        for row in changed {
            rows.patch(row);
        }
        if let Some(list) = itself.get_value() {
            list.refresh();
        }
    };
    let list = follow(Plan {
        topic: topic::APPROVALS.to_owned(),
        as_of: list.as_of,
        pace: 0,
        fetch: Box::new(move || approvals(tab)),
        take: Callback::new(take),
        apply: Callback::new(apply),
    });
    itself.set_value(Some(list));
    followed.set(Some(list));
    let dim = use_dim(list);

    view! {
        <section
            class="list"
            id=LIST
            aria-label="Requests"
            class:dim=dim
            on:keydown=|event| browser::walk(&event, "#requests tbody tr", "a")
        >
            <UpdateBar rows />
            <StaleStrip list />
            <Show when=move || !rows.is_empty() fallback=move || nothing(tab)>
                <table>
                    <caption class="vh">{caption(tab)}</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Request"</th>
                            <th scope="col" class="num hide-tight">
                                "Amount"
                            </th>
                            <th scope="col" class="num">
                                {if tab == ApprovalTab::Decided { "Decided" } else { "Due" }}
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || rows.shown() key=Clone::clone let:key>
                            {
                                let cell = rows.cell(&key);
                                cell.map(|cell| {
                                    let open = Signal::derive(move || {
                                        open.read().as_deref() == Some(key.as_str())
                                    });
                                    view! { <RequestRow cell tab open /> }
                                })
                            }
                        </For>
                    </tbody>
                </table>
            </Show>
        </section>
    }
    .into_any()
}

const fn caption(tab: ApprovalTab) -> &'static str {
    match tab {
        ApprovalTab::Waiting => "Requests waiting on you, due soonest first",
        ApprovalTab::Decided => "Requests you decided, newest decision first",
        ApprovalTab::Mine => "Requests you sent, newest first",
    }
}

fn nothing(tab: ApprovalTab) -> impl IntoView {
    let (title, text, link) = match tab {
        ApprovalTab::Waiting => (
            "You are caught up",
            "Requests that wait on you appear here the moment they are sent.",
            Some(("/approvals?tab=decided", "See what you decided")),
        ),
        ApprovalTab::Decided => (
            "Nothing decided yet",
            "What you approve or reject stays here for 90 days.",
            Some(("/approvals", "See what waits on you")),
        ),
        ApprovalTab::Mine => (
            "No requests of yours",
            "What you ask for appears here, with who it waits on.",
            None,
        ),
    };
    view! {
        <Empty glyph=Glyph::Request title=title text=text>
            {link.map(|(href, words)| view! { <a href=href>{words}</a> })}
        </Empty>
    }
    .into_any()
}
