//! Sending the selected undelivered again: counted before it is done.

use std::collections::BTreeSet;

use leptos::form::ActionForm;
use leptos::prelude::*;

use super::bulk::{BulkBar, Deed, Failed, Foot, Ids};
use super::server_fns::{SendAgain, try_again};
use crate::browser;
use crate::components::badge::Tone;
use crate::components::button::Look;
use crate::components::number::{counted, grouped};
use crate::components::toast::{Toast, Toasts};
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
                    own: true,
                    title: format!("Sent {} again", messages(sent.count)),
                    body: beside(sent),
                    link: None,
                });
                list.refresh();
            }
        },
        false,
    );
    let many = move || messages(i64::try_from(picked.read().len()).unwrap_or(0));
    let deed = Deed {
        dialog: DIALOG,
        bar: "Selected messages",
        label: Signal::derive(move || format!("Send {} again", many())),
        keep: Signal::derive(move || match picked.read().len() {
            1 => "Leave it",
            _ => "Leave them",
        }),
    };
    let counted = Memo::new(move |_| match dry.value().get() {
        Some(Ok(answer)) if !dry.pending().get() => Some(answer),
        _ => None,
    });
    let count = move || counted.get().map_or(0, |answer| answer.count);
    let error = Signal::derive(move || {
        let first = action.value().get().and_then(Result::err);
        first.or_else(|| dry.value().get().and_then(Result::err))
    });
    let ask = Callback::new(move |()| {
        let ids = picked.read_untracked();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        dry.dispatch(ids.join(","));
    });
    view! {
        <BulkBar picked deed asked=ask>
            <ActionForm action>
                <Ids picked />
                <div class="body">
                    <p aria-live="polite">
                        {move || counted.get().map_or_else(|| "Counting…".to_owned(), |it| would(&it))}
                    </p>
                    <Failed error />
                </div>
                <Foot
                    deed
                    label=Signal::derive(move || format!("Send {} again", messages(count())))
                    doing="Sending"
                    pending=action.pending()
                    disabled=Signal::derive(move || count() == 0)
                    look=Look::Primary
                />
            </ActionForm>
        </BulkBar>
    }
    .into_any()
}

/// `1 message`, `1,284 messages`.
pub fn messages(count: i64) -> String {
    match count {
        1 => counted(1, "message", "messages"),
        many => format!("{} messages", grouped(many)),
    }
}

/// What a count found, in words.
pub fn would(answer: &SentAgain) -> String {
    let words = match answer.count {
        0 => "Nothing would be sent.".to_owned(),
        count => {
            let more = if answer.more { ", and more," } else { "" };
            format!(
                "{}{more} will be sent as new notifications, in their own class.",
                messages(count)
            )
        }
    };
    format!("{words} {}", beside(answer)).trim_end().to_owned()
}

/// What becomes of the others: `2 were sent again before. 1 cannot be: The user is inactive.`
pub fn beside(answer: &SentAgain) -> String {
    let mut words = Vec::new();
    match answer.before {
        0 => {}
        1 => words.push("1 was sent again before.".to_owned()),
        many => words.push(format!("{} were sent again before.", grouped(many))),
    }
    for (reason, count) in &answer.refused {
        words.push(format!("{} cannot be: {reason}", grouped(*count)));
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
        let others = "2 were sent again before. 1 cannot be: The user is inactive.";
        assert_eq!(beside(&answer), others);
        assert_eq!(would(&answer), format!("Nothing would be sent. {others}"));
    }

    #[test]
    fn steps_add_up() {
        let step = |count, why: &str, next: Option<&str>| SentAgain {
            count,
            refused: vec![(why.to_owned(), 1)],
            next: next.map(str::to_owned),
            ..SentAgain::default()
        };
        let mut sum = SentAgain::default();
        sum.add(step(1_000, "The user is inactive.", Some("x")));
        sum.add(step(284, "The user is inactive.", None));
        assert_eq!((sum.count, sum.next.as_deref()), (1_284, None));
        assert_eq!(beside(&sum), "2 cannot be: The user is inactive.");
        assert_eq!(messages(sum.count), "1,284 messages");
    }
}
