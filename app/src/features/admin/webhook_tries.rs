//! A webhook's newest tries.

use leptos::prelude::*;

use crate::components::badge::{Badge, Tone};
use crate::components::time::{Shape, Time};
use crate::model::webhooks::Try;

/// The table of them, the latest first.
#[component]
pub fn Tries(tries: Memo<Vec<Try>>) -> impl IntoView {
    view! {
        <Show
            when=move || !tries.read().is_empty()
            fallback=|| {
                view! {
                    <p class="pad muted small">
                        "None yet. The newest fifty tries appear here, with what was answered."
                    </p>
                }
            }
        >
            <table class="two-lines tries">
                <caption class="vh">"Newest tries, the latest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"What"</th>
                        <th scope="col" class="num hide-phone">"Try"</th>
                        <th scope="col">"Outcome"</th>
                        <th scope="col" class="num hide-phone">"When"</th>
                    </tr>
                </thead>
                <tbody>
                    {move || {
                        tries
                            .get()
                            .into_iter()
                            .map(|one| view! { <Line one /> })
                            .collect_view()
                    }}
                </tbody>
            </table>
        </Show>
    }
    .into_any()
}

#[component]
fn Line(one: Try) -> impl IntoView {
    let (tone, word) = outcome(&one);
    let answered = match (one.failure.as_str(), one.status) {
        ("", Some(status)) => format!("answered {status}"),
        ("", None) => String::new(),
        (why, _) => why.to_owned(),
    };
    let next = one.next_at.map(|at| {
        view! {
            <span>
                "; again " <Time at=Signal::stored(at) shape=Shape::Clock />
            </span>
        }
    });
    let nth = match one.nth {
        0 => String::new(),
        nth => nth.to_string(),
    };
    view! {
        <tr>
            <th scope="row" class="w40">
                <span class="cut">{one.about}</span>
                <span class="sub cut mono" title=one.message.clone()>
                    {one.message.clone()}
                </span>
                <span class="sub only-phone-block">
                    <Time at=Signal::stored(one.at) shape=Shape::Stamp />
                </span>
            </th>
            <td class="num muted hide-phone">{nth}</td>
            <td class="outcome">
                <Badge tone=Signal::stored(tone) word=Signal::stored(word) />
                <span class="sub cut" title=answered.clone()>
                    {answered.clone()}
                    {next}
                </span>
            </td>
            <td class="num muted hide-phone">
                <Time at=Signal::stored(one.at) shape=Shape::Stamp />
            </td>
        </tr>
    }
    .into_any()
}

fn outcome(one: &Try) -> (Tone, &'static str) {
    match (one.failure.is_empty(), one.next_at.is_some(), one.nth) {
        (true, _, _) => (Tone::Ok, "Taken"),
        (false, true, _) => (Tone::Warn, "Trying again"),
        (false, false, 0) => (Tone::Bad, "Not taken"),
        (false, false, _) => (Tone::Bad, "Given up"),
    }
}
