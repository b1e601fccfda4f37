//! The connection indicator: words always, colour only when something is wrong. It never blinks
//! and never covers content.

use leptos::prelude::*;

use super::clock::Clock;
use super::words::Reading;
use crate::live::{Live, LiveStatus};

/// `live`, `reconnecting, data as of 14:02:11 [Retry]`, `stalled, …` (the server's database is away), `offline, …`; on a phone
/// `offline as of 14:02`.
#[component]
pub fn ConnectionPill() -> impl IntoView {
    let live = Live::here();
    let clock = Clock::here();
    let look = move || match live.status.get() {
        LiveStatus::Connecting => "conn rest",
        LiveStatus::Live => "conn ok",
        LiveStatus::Reconnecting { .. } => "conn warn",
        LiveStatus::Stalled { .. } => "conn warn stalled",
        LiveStatus::Offline { .. } => "conn bad",
    };
    let as_of = move || {
        let since = live.status.get().stale_since()?;
        let reading = Reading {
            at: since,
            now: since,
            zone: clock.zone(since),
        };
        let stamp = reading.clock_seconds();
        let (minute, second) = stamp.split_at(stamp.len().min(5));
        let (minute, second) = (minute.to_owned(), second.to_owned());
        Some(view! {
            <span class="conn-long">", data"</span>
            <span class="conn-as-of">
                " as of " <span class="num">{minute} <span class="conn-long">{second}</span></span>
            </span>
        })
    };
    view! {
        <span class=look role="status">
            <i class="dot" aria-hidden="true"></i>
            <span class="conn-word">
                {move || match live.status.get() {
                    LiveStatus::Connecting => "connecting",
                    LiveStatus::Live => "live",
                    LiveStatus::Reconnecting { .. } => "reconnecting",
                    LiveStatus::Stalled { .. } => "stalled",
                    LiveStatus::Offline { .. } => "offline",
                }}
                {as_of}
            </span>
            <Show when=move || {
                matches!(
                    live.status.get(),
                    LiveStatus::Reconnecting { .. } | LiveStatus::Offline { .. },
                )
            }>
                <button type="button" on:click=move |_| live.retry_now()>
                    "Retry"
                </button>
            </Show>
        </span>
        <span class="conn rest conn-static">
            <i class="dot" aria-hidden="true"></i>
            "not live, times in UTC; reload to refresh"
        </span>
    }
    .into_any()
}
