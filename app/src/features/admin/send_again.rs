//! The bar under the undelivered while some are selected, and the dialog that counts before it sends.

use std::collections::BTreeSet;

use leptos::form::ActionForm;
use leptos::prelude::*;

use super::server_fns::{SendAgain, try_again};
use crate::browser;
use crate::components::badge::Tone;
use crate::components::button::{Look, Submit};
use crate::components::dialog::{Dialog, Dismiss};
use crate::components::number::counted;
use crate::components::toast::{Toast, Toasts};
use crate::error::AppError;
use crate::live::follow::Followed;
use crate::model::admin::SentAgain;

const DIALOG: &str = "send-again";

/// `3 selected … Send 3 messages again…`. The server counts when the dialog opens: what it says is what
/// would happen, not what is on screen.
#[component]
pub fn AgainBar(
    /// Ids that are selected.
    picked: RwSignal<BTreeSet<String>>,
    /// Refreshed afterwards.
    list: Followed,
) -> impl IntoView {
    let action = ServerAction::<SendAgain>::new();
    let dry = Action::new_local(|ids: &String| try_again(ids.clone()));
    let toasts = Toasts::here();
    Effect::watch(
        move || action.value().get(),
        move |answer, _, _| {
            if let Some(Ok(sent)) = answer {
                browser::close_popover(DIALOG);
                picked.set(BTreeSet::new());
                toasts.show(Toast {
                    tone: if sent.refused.is_empty() {
                        Tone::Ok
                    } else {
                        Tone::Warn
                    },
                    title: format!("Sent {} again", messages(sent.count)),
                    body: beside(sent),
                    link: None,
                });
                list.refresh();
            }
        },
        false,
    );
    let ids = move || picked.read().iter().cloned().collect::<Vec<_>>().join(",");
    let many = move || messages(i64::try_from(picked.read().len()).unwrap_or(0));
    let counted = Memo::new(move |_| match dry.value().get() {
        Some(Ok(answer)) if !dry.pending().get() => Some(answer),
        _ => None,
    });
    let failed = move || {
        let first = action.value().get().and_then(Result::err);
        first.or_else(|| dry.value().get().and_then(Result::err))
    };
    let text = move || match counted.get() {
        None => "Counting…".to_owned(),
        Some(answer) if answer.count == 0 => format!("Nothing would be sent. {}", beside(&answer)),
        Some(answer) => format!(
            "{} will be sent as new notifications, in their own class. {}",
            messages(answer.count),
            beside(&answer)
        ),
    };
    let nothing = Signal::derive(move || counted.get().is_none_or(|answer| answer.count == 0));
    view! {
        <Show when=move || !picked.read().is_empty()>
            <div class="bulk" role="group" aria-label="Selected messages">
                <strong>{move || format!("{} selected", picked.read().len())}</strong>
                <span class="grow"></span>
                <button
                    type="button"
                    class="btn quiet"
                    on:click=move |_| picked.set(BTreeSet::new())
                >
                    "Clear"
                </button>
                <button
                    type="button"
                    class="btn"
                    popovertarget=DIALOG
                    on:click=move |_| {
                        dry.dispatch(ids());
                    }
                >
                    {move || format!("Send {} again…", many())}
                </button>
            </div>
            <Dialog id=DIALOG title=Signal::derive(move || format!("Send {} again", many()))>
                <ActionForm action>
                    <input type="hidden" name="ids" value=ids />
                    <div class="body">
                        <p aria-live="polite">{text}</p>
                        {move || failed().map(|error| view! { <Refusal error /> })}
                    </div>
                    <div class="foot">
                        <Dismiss dialog=DIALOG label="Leave them" />
                        {move || {
                            let count = counted.get().map_or(0, |answer| answer.count);
                            view! {
                                <Submit
                                    label=format!("Send {} again", messages(count))
                                    doing="Sending"
                                    pending=action.pending()
                                    disabled=nothing
                                    look=Look::Primary
                                />
                            }
                        }}
                    </div>
                </ActionForm>
            </Dialog>
        </Show>
    }
    .into_any()
}

#[component]
fn Refusal(error: AppError) -> impl IntoView {
    view! {
        <p class="err" role="alert">
            <i class="dot bad" aria-hidden="true"></i>
            {error.to_string()}
        </p>
    }
    .into_any()
}

fn messages(count: i64) -> String {
    counted(usize::try_from(count).unwrap_or(0), "message", "messages")
}

/// What becomes of the others: `2 were sent again before. 1 cannot: The user is inactive.`
fn beside(answer: &SentAgain) -> String {
    let mut words = Vec::new();
    match answer.before {
        0 => {}
        1 => words.push("1 was sent again before.".to_owned()),
        many => words.push(format!("{many} were sent again before.")),
    }
    for (reason, count) in &answer.refused {
        words.push(format!("{count} cannot be: {reason}"));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_are_accounted_for() {
        let answer = SentAgain {
            before: 2,
            refused: vec![("The user is inactive.".to_owned(), 1)],
            ..SentAgain::default()
        };
        assert_eq!(
            beside(&answer),
            "2 were sent again before. 1 cannot be: The user is inactive."
        );
    }
}
