//! The bar where a request is decided. Its forms post to the server function and work without
//! script; with it, the comment survives every refusal.

use leptos::form::ActionForm;
use leptos::prelude::*;

use super::server_fns::Decide;
use crate::browser;
use crate::components::badge::Tone;
use crate::components::button::{Look, Submit};
use crate::components::clock::Clock;
use crate::components::dialog::{Dialog, Dismiss};
use crate::components::toast::{Toast, Toasts};
use crate::components::words::span;
use crate::error::AppError;
use crate::live::Live;
use crate::live::follow::{Followed, signed_out};
use crate::model::approval::{RequestDetail, RequestState, Verdict};

const REJECT: &str = "reject";

/// Consequence, `Reject…`, `Approve €4,800.00`. Nothing is decided before the server says so.
#[component]
pub fn DecisionBar(
    /// The request.
    detail: RwSignal<RequestDetail>,
    /// The revision the person has read: the one a decision is made on.
    seen: RwSignal<i32>,
    /// The request as it is followed: "View the request" fetches it.
    itself: Followed,
    /// The list beside it.
    followed: RwSignal<Option<Followed>>,
) -> impl IntoView {
    let decide = ServerAction::<Decide>::new();
    let toasts = Toasts::here();
    let live = Live::here();
    let offline = Signal::derive(move || {
        matches!(live.status.get(), crate::live::LiveStatus::Offline { .. })
    });

    Effect::watch(
        move || decide.value().get(),
        move |answer, _, _| match answer {
            Some(Ok(now)) => {
                browser::close_popover(REJECT);
                toasts.show(decided(now));
                detail.set(now.clone());
                // The button that had the focus is gone; the request it decided is still there.
                browser::focus("#request");
                if let Some(list) = followed.get_untracked() {
                    list.refresh();
                }
            }
            Some(Err(AppError::SignedOut)) => signed_out(),
            Some(Err(_)) | None => {}
        },
        false,
    );
    let problem = move || decide.value().get().and_then(Result::err);
    let doing = move |verdict: Verdict| {
        Signal::derive(move || {
            decide.pending().get()
                && decide
                    .input()
                    .read()
                    .as_ref()
                    .is_some_and(|it| it.verdict == verdict)
        })
    };
    let can = Memo::new(move |_| detail.read().can_decide);
    let busy = Signal::derive(move || decide.pending().get() || offline.get() || !can.get());
    // After a refusal the bar stays, even when there is nothing left to decide: what was typed is
    // in it.
    let shown = Memo::new(move |_| can.get() || problem().is_some());
    let amount = Memo::new(move |_| detail.read().row.amount.clone());
    let requester = move || detail.read().row.requester.name.clone();

    view! {
        {move || problem().map(|error| view! { <Refusal error itself /> })}
        <Show when=move || shown.get()>
            <footer class="actions">
                <p class="consequence">
                    {move || {
                        if offline.get() {
                            "Offline. Decisions wait until you are back.".to_owned()
                        } else {
                            detail.read().consequence.clone()
                        }
                    }}
                </p>
                <button type="button" class="btn" popovertarget=REJECT disabled=move || busy.get()>
                    "Reject…"
                </button>
                <ActionForm action=decide>
                    <Which detail seen />
                    {move || {
                        let label = format!("Approve {}", amount.get()).trim_end().to_owned();
                        view! {
                            <Submit
                                label
                                doing="Approving"
                                pending=doing(Verdict::Approve)
                                disabled=busy
                                look=Look::Primary
                                name="verdict"
                                value="approve"
                            />
                        }
                    }}
                </ActionForm>
            </footer>
            <Dialog
                id=REJECT
                title=Signal::derive(move || format!("Reject “{}”", detail.read().row.subject))
            >
                <ActionForm action=decide>
                    <Which detail seen />
                    <div class="body">
                        {move || problem().map(|error| view! { <Refusal error itself kept=true /> })}
                        <p>{move || format!("{} is told, and reads your reason.", requester())}</p>
                        <div class="field">
                            <label for="reject-comment">"Reason"</label>
                            <textarea
                                class="input"
                                id="reject-comment"
                                name="comment"
                                rows="3"
                                maxlength="2000"
                                required
                                autofocus
                            ></textarea>
                        </div>
                    </div>
                    <div class="foot">
                        <Dismiss dialog=REJECT label="Keep it open" />
                        <Submit
                            label="Reject the request"
                            doing="Rejecting"
                            pending=doing(Verdict::Reject)
                            disabled=busy
                            look=Look::Danger
                            name="verdict"
                            value="reject"
                        />
                    </div>
                </ActionForm>
            </Dialog>
        </Show>
    }
    .into_any()
}

/// Which request, in the revision that was read.
#[component]
fn Which(detail: RwSignal<RequestDetail>, seen: RwSignal<i32>) -> impl IntoView {
    view! {
        <input type="hidden" name="request" value=move || detail.read().row.id.clone() />
        <input type="hidden" name="revision" value=move || seen.get().to_string() />
    }
    .into_any()
}

/// Why the decision was not saved, what is safe, and what to do.
#[component]
fn Refusal(
    error: AppError,
    itself: Followed,
    /// It stands in the form with the comment, which is kept.
    #[prop(optional)]
    kept: bool,
) -> impl IntoView {
    let clock = Clock::here();
    let (title, text) = match &error {
        AppError::AlreadyDecided { by, verdict, at } => (
            format!(
                "Already {verdict} by {by} {}.",
                span_ago(clock.then().since(*at))
            ),
            "Your decision was not saved, and nothing was decided twice.".to_owned(),
        ),
        AppError::StaleRevision { current } => (
            format!("The request changed since you opened it: it is at revision {current} now."),
            "Nothing was decided. Read what changed, then decide again.".to_owned(),
        ),
        AppError::Unreachable => (
            "Not saved: the connection dropped.".to_owned(),
            "Try again when you are back.".to_owned(),
        ),
        other => ("Not saved.".to_owned(), other.to_string()),
    };
    let kept = kept.then_some(" What you typed is kept.");
    let stale = matches!(
        error,
        AppError::AlreadyDecided { .. } | AppError::StaleRevision { .. }
    );
    view! {
        <div class="banner bad refusal" role="alert">
            <p>
                <strong>{title}</strong>
                " "
                {text}
                {kept}
            </p>
            {stale
                .then(|| {
                    view! {
                        <button
                            type="button"
                            class="link only-live"
                            on:click=move |_| {
                                browser::close_popover(REJECT);
                                itself.refresh();
                            }
                        >
                            "View the request"
                        </button>
                    }
                })}
        </div>
    }
    .into_any()
}

fn span_ago(milliseconds: i64) -> String {
    if milliseconds < 60_000 {
        format!("{} s ago", (milliseconds / 1_000).max(0))
    } else {
        format!("{} ago", span(milliseconds))
    }
}

fn decided(now: &RequestDetail) -> Toast {
    let subject = &now.row.subject;
    let (tone, title) = match now.row.state {
        RequestState::Rejected => (Tone::Rest, format!("You rejected {subject}")),
        _ => (Tone::Ok, format!("You approved {subject}")),
    };
    let body = if now.row.waits_on.is_empty() {
        format!("{} is told.", now.row.requester.name)
    } else {
        format!("Goes to {} next.", now.row.waits_on.join(" or "))
    };
    Toast {
        tone,
        own: true,
        title,
        body,
        link: None,
    }
}
