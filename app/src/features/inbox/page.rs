//! `/inbox`: tabs and the list.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::list::InboxList;
use super::server_fns::inbox;
use crate::components::problem::Problem;
use crate::components::skeleton::Skeleton;
use crate::components::tabs::{Tab, Tabs};
use crate::features::frame::counts::Counts;
use crate::model::inbox::InboxTab;

/// The page. `?before=` is for pages without script: with it older items are added below.
#[component]
pub fn InboxPageView() -> impl IntoView {
    let query = use_query_map();
    let tab = Memo::new(move |_| match query.read().get("tab").as_deref() {
        Some("unread") => InboxTab::Unread,
        Some("archive") => InboxTab::Archive,
        _ => InboxTab::All,
    });
    let before = Memo::new(move |_| query.read().get("before").and_then(|it| it.parse().ok()));
    let counts = Counts::here().inbox;
    let page = Resource::new_blocking(
        move || (tab.get(), before.get()),
        |(tab, before)| inbox(tab, before),
    );
    let current = move |which| Signal::derive(move || tab.get() == which);
    view! {
        <Tabs label="Parts of the inbox">
            <Tab href="/inbox" label="All" current=current(InboxTab::All) />
            <Tab
                href="/inbox?tab=unread"
                label="Unread"
                current=current(InboxTab::Unread)
                count=Signal::derive(move || Some(counts.get().unread))
            />
            <Tab href="/inbox?tab=archive" label="Archive" current=current(InboxTab::Archive) />
        </Tabs>
        <div class="inbox-page">
            <Transition fallback=|| {
                view! { <Skeleton /> }
            }>
                {move || {
                    let tab = tab.get();
                    Suspend::new(async move {
                        match page.await {
                            Ok(page) => view! { <InboxList page tab /> }.into_any(),
                            Err(error) => {
                                let retry = Callback::new(move |()| page.refetch());
                                view! { <Problem error retry /> }.into_any()
                            }
                        }
                    })
                }}
            </Transition>
        </div>
    }
    .into_any()
}
