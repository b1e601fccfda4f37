//! Sending all undelivered again that match the search. The address asks (`again=1`), so it works without script too:
//! counted first, sent in steps of at most 1,000 then. What ends after the count is not among them.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::bulk::Failed;
use super::search::address;
use super::send_again::{beside, messages, would};
use super::server_fns::{SendAllAgain, count_again};
use crate::browser;
use crate::components::button::{Look, Submit};
use crate::components::number::grouped;
use crate::components::pager::COUNTED;
use crate::components::problem::Problem;
use crate::live::follow::Followed;
use crate::model::admin::SentAgain;

const PATH: &str = "/admin/undelivered";
/// In one step; the server's bound.
const STEP: i64 = 1_000;

/// `37 match … Send all again…`, without a search `37 undelivered`, and what that would do when somebody asks.
#[component]
pub fn SendAll(
    /// What was searched.
    search: String,
    /// All that match.
    total: Signal<i64>,
    /// Refreshed afterwards.
    list: Followed,
) -> impl IntoView {
    let query = use_query_map();
    let asking = Memo::new(move |_| query.read().get("again").is_some());
    let back = address(PATH, 0, &search);
    let ask = format!("{back}{}again=1", if search.is_empty() { "?" } else { "&" });
    let all = search.is_empty();
    let count = move || count_words(total.get(), all);
    let search = StoredValue::new(search);
    view! {
        <Show when=move || { total.get() > 0 && !asking.get() }>
            <p class="bar small">
                <span class="muted grow">{count}</span>
                <a class="btn sm" href=ask.clone()>
                    "Send all again…"
                </a>
            </p>
        </Show>
        {move || {
            asking
                .get()
                .then(|| {
                    let (search, back) = (search.get_value(), back.clone());
                    view! { <Asking search back list /> }
                })
        }}
    }
    .into_any()
}

/// How many the button is about: `all` of them, or those that match the search.
fn count_words(total: i64, all: bool) -> String {
    let count = if total >= COUNTED {
        format!("{} or more", grouped(COUNTED))
    } else {
        grouped(total)
    };
    match (all, total) {
        (true, _) => format!("{count} undelivered"),
        (false, 1) => "1 matches".to_owned(),
        (false, _) => format!("{count} match"),
    }
}

#[component]
fn Asking(search: String, back: String, list: Followed) -> impl IntoView {
    let asked = search.clone();
    let counted = Resource::new_blocking(|| (), move |()| count_again(asked.clone()));
    Effect::new(|| browser::focus("#send-all"));
    view! {
        <section class="asking" id="send-all" tabindex="-1" aria-labelledby="send-all-title">
            <h2 id="send-all-title">
                {if search.is_empty() {
                    "Send all undelivered again".to_owned()
                } else {
                    format!("Send all again that match “{search}”")
                }}
            </h2>
            <Transition fallback=|| view! { <p>"Counting…"</p> }>
                {move || {
                    let (search, back) = (search.clone(), back.clone());
                    Suspend::new(async move {
                        match counted.await {
                            Ok(first) => view! { <Steps first search back list /> }.into_any(),
                            Err(error) => {
                                let retry = Callback::new(move |()| counted.refetch());
                                view! { <Problem error retry /> }.into_any()
                            }
                        }
                    })
                }}
            </Transition>
        </section>
    }
    .into_any()
}

/// What was counted, and then what became of it.
#[component]
fn Steps(first: SentAgain, search: String, back: String, list: Followed) -> impl IntoView {
    let action = ServerAction::<SendAllAgain>::new();
    let count = first.count;
    let after = RwSignal::new(first.next.clone().unwrap_or_default());
    let sent = RwSignal::new(None::<SentAgain>);
    // Between two steps too, so that the button does not come back for a moment.
    let going = RwSignal::new(false);
    let asked = search.clone();
    Effect::watch(
        move || action.value().get(),
        move |answer, _, _| match answer {
            Some(Ok(step)) => {
                let mut sum = sent.get_untracked().unwrap_or_default();
                sum.add(step.clone());
                going.set(sum.next.is_some());
                if let Some(next) = sum.next.clone() {
                    after.set(next.clone());
                    action.dispatch(SendAllAgain {
                        search: asked.clone(),
                        after: next,
                    });
                }
                sent.set(Some(sum));
                list.refresh();
            }
            Some(Err(_)) => going.set(false),
            None => {}
        },
        false,
    );
    let done = Memo::new(move |_| sent.read().as_ref().is_some_and(|sum| sum.next.is_none()));
    let text = move || match sent.get() {
        None => would(&first),
        Some(sum) if sum.next.is_some() => format!("{} sent so far…", messages(sum.count)),
        Some(sum) => format!("Sent {} again. {}", messages(sum.count), beside(&sum))
            .trim_end()
            .to_owned(),
    };
    let error = Signal::derive(move || action.value().get().and_then(Result::err));
    view! {
        <p aria-live="polite">{text}</p>
        {(count > STEP)
            .then(|| {
                view! {
                    <p class="muted">
                        "They are sent " {grouped(STEP)}
                        " at a time. Who leaves this page stops it after the step under way; nothing is sent twice."
                    </p>
                }
            })}
        <Failed error />
        <ActionForm action attr:class="foot-row">
            <input type="hidden" name="search" value=search />
            <input type="hidden" name="after" value=move || after.get() />
            <Show when=move || { count > 0 && !done.get() }>
                <Submit
                    label=format!("Send {} again", messages(count))
                    doing="Sending"
                    pending=Signal::derive(move || action.pending().get() || going.get())
                    look=Look::Primary
                />
            </Show>
            <a class="btn" href=back>
                {move || if done.get() || count == 0 { "Close" } else { "Leave them" }}
            </a>
        </ActionForm>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::{COUNTED, count_words};

    #[test]
    fn a_count_says_of_what() {
        assert_eq!(count_words(1, true), "1 undelivered");
        assert_eq!(count_words(12, true), "12 undelivered");
        assert_eq!(count_words(1, false), "1 matches");
        assert_eq!(count_words(12, false), "12 match");
        assert!(count_words(COUNTED, false).ends_with(" or more match"));
    }
}
