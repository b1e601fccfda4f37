//! What went wrong: instead of a page, instead of a list, or above old rows.

use leptos::prelude::*;

use super::clock::Clock;
use super::empty::Empty;
use super::icon::Glyph;
use super::words::Reading;
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
    answer_with(&error);
    let (glyph, title, text) = match &error {
        AppError::Forbidden { need } => (Glyph::Lock, "Not for your role", need.clone()),
        AppError::NotFound { what } => (
            Glyph::Search,
            "Not here",
            format!("There is no such {what}, or it is not yours to see."),
        ),
        other => (Glyph::Alert, "Not loaded", other.to_string()),
    };
    view! {
        <div class="problem">
            <Empty glyph title=title text=text>
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
                    <span>{stale.error.to_string()} " Rows as of " {at.clock_seconds()} "."</span>
                    <button type="button" class="link" on:click=move |_| list.refresh()>
                        "Retry"
                    </button>
                </p>
            }
        })
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

/// The response's status says the same as the page. Signed out, the frame redirects: its status
/// must stand.
fn answer_with(error: &AppError) {
    #[cfg(feature = "ssr")]
    {
        use http::StatusCode;
        let status = match error {
            AppError::SignedOut => return,
            AppError::Forbidden { .. } => StatusCode::FORBIDDEN,
            AppError::NotFound { .. } => StatusCode::NOT_FOUND,
            AppError::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            AppError::AlreadyDecided { .. } | AppError::StaleRevision { .. } => {
                StatusCode::CONFLICT
            }
            AppError::Unavailable { .. } | AppError::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
            AppError::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
            response.set_status(status);
        }
    }
    #[cfg(not(feature = "ssr"))]
    let _ = error;
}
