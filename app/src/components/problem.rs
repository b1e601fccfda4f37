//! What went wrong: instead of a page, instead of a list, or above old rows.

use leptos::prelude::*;

use super::clock::Clock;
use super::empty::Empty;
use super::icon::Glyph;
use super::words::Reading;
use crate::answer;
use crate::error::AppError;
use crate::live::follow::Followed;
use crate::live::{Live, LiveStatus};

/// A page or list that could not be shown at all. Sets the response's status on the server.
#[component]
pub fn Problem(
    /// Why.
    error: AppError,
    /// Tries again, where that can help.
    #[prop(optional, into)]
    retry: Option<Callback<()>>,
) -> impl IntoView {
    answer::page(&error);
    let (glyph, title, text) = match &error {
        AppError::Forbidden { need } => (Glyph::Lock, "Not for your role", need.clone()),
        AppError::NotFound { what } => (
            Glyph::Search,
            "Not here",
            format!("There is no such {what}, or it is not yours to see."),
        ),
        other => (Glyph::Alert, "Not loaded", unread(other)),
    };
    let hopeless = matches!(
        error,
        AppError::Forbidden { .. } | AppError::NotFound { .. }
    );
    let retry = retry.filter(|_| !hopeless);
    let onwards = onwards(&error).map(|(href, words)| {
        view! {
            <a class="link" href=href>
                {words}
            </a>
        }
    });
    view! {
        <div class="problem">
            <Empty glyph title=title text=text>
                {onwards}
                {retry
                    .map(|retry| {
                        view! {
                            <button type="button" class="link" on:click=move |_| retry.run(())>
                                "Retry"
                            </button>
                        }
                    })}
            </Empty>
        </div>
    }
    .into_any()
}

/// Where to go from what cannot be shown here.
fn onwards(error: &AppError) -> Option<(&'static str, &'static str)> {
    match error {
        AppError::Forbidden { .. } => Some(("/", "To your start page")),
        AppError::NotFound { what } if what == "request" => Some(("/approvals", "All approvals")),
        _ => None,
    }
}

/// Above rows that could not be refreshed: why, since when, and another try.
#[component]
pub fn StaleStrip(
    /// The list.
    list: Followed,
) -> impl IntoView {
    let clock = Clock::here();
    move || {
        list.stale.get().map(|stale| {
            let at = Reading {
                at: stale.since,
                now: clock.now(),
                zone: clock.zone(stale.since),
            };
            view! {
                <p class="strip bad" role="alert">
                    <i class="dot" aria-hidden="true"></i>
                    <span>{unread(&stale.error)} " Rows as of " {at.clock_seconds()} "."</span>
                    <button type="button" class="link" on:click=move |_| list.refresh()>
                        "Retry"
                    </button>
                </p>
            }
        })
    }
}

/// Why something could not be read: the error's own words speak of saving.
fn unread(error: &AppError) -> String {
    match error {
        AppError::Unavailable { .. } => "The server cannot reach its database.".to_owned(),
        AppError::Unreachable => "No answer from the server.".to_owned(),
        other => other.to_string(),
    }
}

/// Is what this list shows older than it should be? Then its rows are drawn in `text-3`.
#[must_use]
pub fn use_dim(list: Followed) -> Signal<bool> {
    let live = Live::here();
    Signal::derive(move || {
        list.stale.read().is_some()
            || !matches!(live.status.get(), LiveStatus::Connecting | LiveStatus::Live)
    })
}
