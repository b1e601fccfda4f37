//! The right-most cell of a row: when it is due, or what became of it.

use leptos::prelude::*;

use super::state::of_request;
use crate::components::badge::Badge;
use crate::components::clock::Clock;
use crate::components::time::{Time, read_on};
use crate::components::words::{Due, span};
use crate::model::approval::{ApprovalRow, RequestState};

/// Due chip over `sent 3 h ago`; once decided, the state over the time.
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
        let sent = move || sent(clock.now().since(row.sent_at));
        view! {
            <span class="two">
                <span>{chip.unwrap_or_else(|| view! { <time class="chip plain" datetime="P0D".to_owned()>{"no due date".to_owned()}</time> })}</span>
                <span>{sent}</span>
            </span>
        }
        .into_any()
    }
}

/// How long ago it was sent. Not how long it waits: the open step may be younger than the request.
fn sent(age: i64) -> String {
    match age {
        ..60_000 => "sent just now".to_owned(),
        age => format!("sent {} ago", span(age)),
    }
}

#[cfg(test)]
mod tests {
    use super::sent;

    #[test]
    fn the_age_is_the_requests() {
        assert_eq!(sent(-5), "sent just now");
        assert_eq!(sent(17 * 3_600_000), "sent 17 h ago");
        assert_eq!(sent(30 * 3_600_000), "sent 1 d ago");
    }
}
