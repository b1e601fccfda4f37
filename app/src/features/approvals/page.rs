//! `/approvals` and `/approvals/{id}`: list left, request right; on a phone each is its own page.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::detail::RequestView;
use super::list::RequestList;
use super::server_fns::{approvals, request};
use super::{address, tab_of};
use crate::components::empty::Empty;
use crate::components::icon::Glyph;
use crate::components::problem::Problem;
use crate::components::skeleton::Skeleton;
use crate::components::tabs::{Tab, Tabs};
use crate::features::frame::counts::Counts;
use crate::live::follow::Followed;
use crate::model::approval::ApprovalTab;

/// The page. Without an id the first request of the list is shown beside it.
#[component]
pub fn ApprovalsPage() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let tab = Memo::new(move |_| tab_of(query.read().get("tab").as_deref()));
    let id = Memo::new(move |_| params.read().get("id").filter(|id| !id.is_empty()));

    let list = Resource::new_blocking(move || tab.get(), approvals);
    let detail = Resource::new_blocking(
        move || (id.get(), tab.get()),
        move |(id, tab)| async move {
            let id = match id {
                Some(id) => id,
                None => approvals(tab).await.ok()?.rows.first()?.id.clone(),
            };
            Some(request(id).await)
        },
    );
    let followed = RwSignal::new(None::<Followed>);

    view! {
        <ListTabs tab />
        <div class="split" class:show-detail=move || id.read().is_some()>
            <Transition fallback=|| {
                view! {
                    <section class="list">
                        <Skeleton />
                    </section>
                }
            }>
                {move || {
                    let tab = tab.get();
                    Suspend::new(async move {
                        match list.await {
                            Ok(list) => {
                                let first = list.rows.first().map(|row| row.id.clone());
                                let open =
                                    Signal::derive(move || id.get().or_else(|| first.clone()));
                                view! { <RequestList list tab open followed /> }.into_any()
                            }
                            Err(error) => {
                                let retry = Callback::new(move |()| list.refetch());
                                view! {
                                    <section class="list">
                                        <Problem error retry />
                                    </section>
                                }
                                    .into_any()
                            }
                        }
                    })
                }}
            </Transition>
            <Transition fallback=|| {
                view! {
                    <article class="detail">
                        <Skeleton />
                    </article>
                }
            }>
                {move || Suspend::new(async move {
                    match detail.await {
                        Some(Ok(detail)) => view! { <RequestView detail followed /> }.into_any(),
                        Some(Err(error)) => {
                            let retry = Callback::new(move |()| detail.refetch());
                            view! {
                                <article class="detail">
                                    <Problem error retry />
                                </article>
                            }
                                .into_any()
                        }
                        None => {
                            view! {
                                <article class="detail">
                                    <Empty
                                        glyph=Glyph::Request
                                        title="No request open"
                                        text="Choose one on the left and it opens here."
                                    />
                                </article>
                            }
                                .into_any()
                        }
                    }
                })}
            </Transition>
        </div>
    }
    .into_any()
}

#[component]
fn ListTabs(tab: Memo<ApprovalTab>) -> impl IntoView {
    let counts = Counts::here().approvals;
    let current = move |which: ApprovalTab| Signal::derive(move || tab.get() == which);
    let count = move |pick: fn(&crate::model::approval::ApprovalCounts) -> i64| {
        Signal::derive(move || Some(pick(&counts.get())))
    };
    let href = |which| Signal::stored(address(which, None));
    view! {
        <Tabs label="Approval lists" class="list-tabs">
            <Tab
                href=href(ApprovalTab::Waiting)
                label="Waiting on me"
                current=current(ApprovalTab::Waiting)
                count=count(|counts| counts.waiting)
            />
            <Tab
                href=href(ApprovalTab::Decided)
                label="Decided by me"
                current=current(ApprovalTab::Decided)
                count=count(|counts| counts.decided)
            />
            <Tab
                href=href(ApprovalTab::Mine)
                label="My requests"
                current=current(ApprovalTab::Mine)
                count=count(|counts| counts.mine)
            />
        </Tabs>
    }
    .into_any()
}
