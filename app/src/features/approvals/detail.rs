//! One request: head, fields, steps, history, and the bar where it is decided.

use leptos::prelude::*;

use super::decide::DecisionBar;
use super::server_fns::request;
use super::state::of_request;
use super::steps::Steps;
use crate::components::avatar::Avatar;
use crate::components::badge::Badge;
use crate::components::problem::{StaleStrip, use_dim};
use crate::components::time::{Shape, Time};
use crate::live::follow::{Followed, Plan, follow};
use crate::model::approval::{RequestDetail, RequestEvent};
use crate::protocol::{Patch, topic};

/// The request, kept up to date. What is typed in the bar survives every update, because the bar
/// is not drawn anew.
#[component]
pub fn RequestView(
    /// The snapshot.
    detail: RequestDetail,
    /// The list beside it, refreshed after a decision.
    followed: RwSignal<Option<Followed>>,
) -> impl IntoView {
    let id = detail.row.id.clone();
    let as_of = detail.as_of;
    let detail = RwSignal::new(detail);
    // The revision the person has read. A newer one is shown at once, and said aloud.
    let seen = RwSignal::new(detail.read_untracked().row.revision);
    let list = follow(Plan {
        topic: topic::request(&id),
        as_of,
        pace: 0,
        fetch: Box::new(move || request(id.clone())),
        take: Callback::new(move |new: RequestDetail| detail.set(new)),
        // Its patches are all `resync`: there are no rows to put in place.
        apply: Callback::new(|_: Patch| {}),
    });
    let dim = use_dim(list);
    let changed = Memo::new(move |_| detail.read().row.revision > seen.get());

    view! {
        <article class="detail" id="request" tabindex="-1" aria-labelledby="request-title">
            <div
                class="scroll"
                class:dim=dim
                tabindex="0"
                role="region"
                aria-label="Details of the request"
            >
                <StaleStrip list />
                {move || view! { <Head detail=detail.get() /> }}
                <Show when=move || changed.get()>
                    <div class="banner info" role="status">
                        <p>
                            <strong>"Changed since you opened it."</strong>
                            " You see revision "
                            {move || detail.read().row.revision}
                            " now; read it before you decide."
                        </p>
                        <button
                            type="button"
                            class="link"
                            on:click=move |_| seen.set(detail.read_untracked().row.revision)
                        >
                            "I have read it"
                        </button>
                    </div>
                </Show>
                <div class="cols">
                    {move || {
                        let detail = detail.get();
                        view! {
                            <div>
                                <Fields fields=detail.fields />
                                <History events=detail.events />
                            </div>
                            <Steps steps=detail.steps />
                        }
                    }}
                </div>
            </div>
            <DecisionBar detail seen itself=list followed />
        </article>
    }
    .into_any()
}

#[component]
fn Head(detail: RequestDetail) -> impl IntoView {
    let row = detail.row;
    let (tone, word) = of_request(row.state);
    let department = row.requester.department.clone();
    let name = row.requester.name.clone();
    view! {
        <header class="dhead">
            <p class="meta">
                <span class="mono">{row.number}</span>
                <Badge tone=Signal::stored(tone) word=Signal::stored(word) />
                {row
                    .decided_by
                    .map(|by| {
                        view! {
                            <span class="faint">
                                "by " {by} " "
                                {row
                                    .decided_at
                                    .map(|at| {
                                        view! {
                                            <Time at=Signal::stored(at) shape=Shape::Stamp />
                                        }
                                    })}
                            </span>
                        }
                    })}
            </p>
            <h2 id="request-title">{row.subject}</h2>
            <p class="amount">{row.amount}</p>
            <p class="meta wide">
                <span class="who">
                    <Avatar name=name.clone() />
                    <span class="cut" title=name.clone()>
                        {name.clone()}
                    </span>
                </span>
                {(!department.is_empty())
                    .then(|| {
                        view! {
                            <span class="sep" aria-hidden="true">
                                "·"
                            </span>
                            <span>{department}</span>
                        }
                    })}
                <span class="sep" aria-hidden="true">
                    "·"
                </span>
                <span>"sent " <Time at=Signal::stored(row.sent_at) shape=Shape::Stamp /></span>
            </p>
        </header>
    }
    .into_any()
}

#[component]
fn Fields(fields: Vec<(String, String)>) -> impl IntoView {
    view! {
        <section class="sec" aria-labelledby="fields-title">
            <h3 id="fields-title">"Request"</h3>
            <dl class="pairs">
                {fields
                    .into_iter()
                    .map(|(label, value)| {
                        view! {
                            <div>
                                <dt>{label}</dt>
                                <dd>{value}</dd>
                            </div>
                        }
                    })
                    .collect_view()}
            </dl>
        </section>
    }
    .into_any()
}

#[component]
fn History(events: Vec<RequestEvent>) -> impl IntoView {
    view! {
        <section class="sec" aria-labelledby="history-title">
            <h3 id="history-title">"History"</h3>
            <ol>
                {events
                    .into_iter()
                    .map(|event| {
                        view! {
                            <li class="comment">
                                <Avatar name=event.actor.clone() />
                                <p class="meta">
                                    <strong>{event.actor.clone()}</strong>
                                    {deed(&event.what)}
                                    <Time at=Signal::stored(event.at) shape=Shape::Stamp />
                                </p>
                                {event.comment.map(|comment| view! { <p class="said">{comment}</p> })}
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
        </section>
    }
    .into_any()
}

/// A word of the protocol as a verb.
fn deed(what: &str) -> String {
    match what {
        "submitted" => "sent it".to_owned(),
        "approved" | "rejected" => format!("{what} it"),
        "withdrawn" => "took it back".to_owned(),
        other => other.to_owned(),
    }
}
