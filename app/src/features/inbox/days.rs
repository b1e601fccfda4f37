//! Day headings: one above the first row of each day.

use leptos::prelude::*;

use super::threads::Thread;
use crate::components::clock::Clock;
use crate::components::rows::Rows;
use crate::components::time::read_on;
use crate::model::Moment;

/// The day above the row `key`, when the row before it is of another day.
#[must_use]
pub fn heading(rows: Rows<Thread>, clock: Clock, key: &str) -> Option<String> {
    let shown = rows.shown();
    let place = shown.iter().position(|other| other == key)?;
    let day = |at: Moment| read_on(clock, at).day();
    let mine = day(rows.value(key)?.latest.at);
    let before = place
        .checked_sub(1)
        .and_then(|place| rows.value(&shown[place]));
    (before.map(|thread| day(thread.latest.at)) != Some(mine.clone())).then_some(mine)
}

/// The heading itself; nothing for most rows.
#[component]
pub fn DayHeading(
    /// The list.
    rows: Rows<Thread>,
    /// The row it may stand above.
    key: String,
    /// Under the popover's own heading.
    compact: bool,
) -> impl IntoView {
    let clock = Clock::here();
    let heading = Memo::new(move |_| heading(rows, clock, &key));
    move || {
        heading.get().map(|day| {
            if compact {
                view! { <h3>{day}</h3> }.into_any()
            } else {
                view! { <h2>{day}</h2> }.into_any()
            }
        })
    }
}
