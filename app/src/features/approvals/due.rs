//! The right-most cell of a row: when it is due, or what became of it.

use leptos::prelude::*;

use super::state::of_request;
use crate::components::badge::Badge;
use crate::components::clock::Clock;
use crate::components::time::{Time, read_on};
use crate::components::words::{Due, span};
use crate::model::approval::{ApprovalRow, RequestState};

/// Due chip over `waits 3 h`; once decided, the state over the time.
#[component]
pub fn DueCell(
    /// The row.
    #[prop(into)]
    row: Signal<ApprovalRow>,
) -> impl IntoView {
    let clock = Clock::here();
    move || {
        let row = row.get();
        if row.state != RequestState::InReview {
            let (tone, word) = of_request(row.state);
            return view! {
                <span class="two">
                    <span>
                        <Badge tone=Signal::stored(tone) word=Signal::stored(word) />
                    </span>
                    <span>
                        {row.decided_at.map(|at| view! { <Time at=Signal::stored(at) /> })}
                    </span>
                </span>
            }
            .into_any();
        }
        let chip = row.due_at.map(|at| {
            let (class, words) = match read_on(clock, at).due() {
                Due::Over(words) => ("chip bad", words),
                Due::Soon(words) => ("chip warn", words),
                Due::Later(words) => ("chip plain", words),
            };
            view! { <time class=class datetime=at.iso()>{words}</time> }
        });
        let waits = move || format!("waits {}", span(clock.now().since(row.sent_at).max(0)));
        view! {
            <span class="two">
                <span>{chip.unwrap_or_else(|| view! { <time class="chip plain" datetime="P0D".to_owned()>{"no due date".to_owned()}</time> })}</span>
                <span>{waits}</span>
            </span>
        }
        .into_any()
    }
}
