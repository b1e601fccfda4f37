//! What can be done to a webhook: a test, a pause, another secret, its end.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::bulk::Failed;
use super::webhook_fns::{DoToWebhook, TestWebhook};
use super::webhooks::{PATH, address};
use crate::browser;
use crate::components::badge::Tone;
use crate::components::button::{Look, Submit};
use crate::components::dialog::{Dialog, Dismiss};
use crate::components::toast::{Toast, Toasts};
use crate::model::webhooks::State;

const REMOVE: &str = "remove-webhook";
const PAUSE: &str = "pause-webhook";

/// Test, pause or resume, another secret, remove.
#[component]
pub fn Deeds(
    /// Its inner id.
    id: String,
    /// The service's own id of it.
    name: String,
    /// As it stands now.
    state: Signal<State>,
    /// Something was done.
    changed: Callback<()>,
) -> impl IntoView {
    let test = ServerAction::<TestWebhook>::new();
    let act = ServerAction::<DoToWebhook>::new();
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let stopped = Memo::new(move |_| matches!(state.get(), State::GivenUp | State::Paused));
    let gone = name.clone();
    Effect::watch(
        move || act.version().get(),
        move |_, _, _| {
            if !matches!(*act.value().read_untracked(), Some(Ok(()))) {
                return;
            }
            // Closed before what it stands in goes away: the focus then returns to the page.
            browser::close_popover(PAUSE);
            if browser::popover_open(REMOVE) {
                browser::close_popover(REMOVE);
                toasts.show(Toast {
                    tone: Tone::Ok,
                    own: true,
                    title: format!("Removed {gone}"),
                    body: "Nothing is sent to it any more.".to_owned(),
                    link: None,
                });
                navigate(PATH, NavigateOptions::default());
            } else {
                changed.run(());
            }
        },
        false,
    );
    Effect::watch(
        move || test.version().get(),
        move |_, _, _| changed.run(()),
        false,
    );
    let result = move || match (test.pending().get(), test.value().get()) {
        (false, Some(Ok(done))) => {
            let (tone, words) = match (done.failure.as_str(), done.status) {
                ("", Some(status)) => ("ok", format!("The test was taken: answered {status}.")),
                ("", None) => ("ok", "The test was taken.".to_owned()),
                (why, _) => ("bad", format!("The test was not taken: {why}.")),
            };
            Some(view! {
                <span class="result">
                    <i class=format!("dot {tone}") aria-hidden="true"></i>
                    {words}
                </span>
            })
        }
        _ => None,
    };
    let refused = Signal::derive(move || {
        let first = act.value().get().and_then(Result::err);
        first.or_else(|| test.value().get().and_then(Result::err))
    });
    let secret = format!("{}&secret=1", address(&id));
    let id = StoredValue::new(id);
    view! {
        <div class="deeds">
            <ActionForm action=test>
                <input type="hidden" name="id" value=id.get_value() />
                <Submit label="Send a test" doing="Sending" pending=test.pending() />
            </ActionForm>
            <Show
                when=move || stopped.get()
                fallback=|| {
                    view! {
                        <button type="button" class="btn" popovertarget=PAUSE>
                            "Pause…"
                        </button>
                    }
                }
            >
                <ActionForm action=act>
                    <input type="hidden" name="id" value=id.get_value() />
                    <input type="hidden" name="deed" value="resume" />
                    <Submit
                        label="Send to it again"
                        doing="Resuming"
                        pending=act.pending()
                        look=Look::Primary
                    />
                </ActionForm>
            </Show>
            <a class="btn" href=secret>
                "Change secret…"
            </a>
            <button type="button" class="btn" popovertarget=REMOVE>
                "Remove…"
            </button>
        </div>
        <p class="small" role="status">
            {result}
        </p>
        <Failed error=refused />
        <Asked
            dialog=PAUSE
            title=format!("Pause {name}")
            text="Nothing is sent to it and nothing noted for it until somebody resumes it. What waits in requests is kept; what happens meanwhile it is never told."
            id=id.get_value()
            deed="pause"
            keep="Keep sending"
            label="Pause webhook"
            doing="Pausing"
            act
        />
        <Asked
            dialog=REMOVE
            title=format!("Remove {name}")
            text="It is told nothing any more, and what waits for it is deleted. A webhook of the same id can be added again, with another secret."
            id=id.get_value()
            deed="remove"
            keep="Keep it"
            label="Remove webhook"
            doing="Removing"
            act
        />
    }
    .into_any()
}

/// Asks before a deed.
#[component]
fn Asked(
    dialog: &'static str,
    title: String,
    text: &'static str,
    id: String,
    deed: &'static str,
    keep: &'static str,
    label: &'static str,
    doing: &'static str,
    act: ServerAction<DoToWebhook>,
) -> impl IntoView {
    let error = Signal::derive(move || act.value().get().and_then(Result::err));
    view! {
        <Dialog id=dialog title=Signal::stored(title)>
            <ActionForm action=act>
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="deed" value=deed />
                <div class="body">
                    <p>{text}</p>
                    <Failed error />
                </div>
                <div class="foot">
                    <Dismiss dialog label=keep />
                    <Submit label doing pending=act.pending() look=Look::Danger />
                </div>
            </ActionForm>
        </Dialog>
    }
    .into_any()
}
