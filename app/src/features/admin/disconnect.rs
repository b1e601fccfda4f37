//! The bar under the connections while some are selected, and the dialog that asks first.

use std::collections::BTreeSet;

use leptos::form::ActionForm;
use leptos::prelude::*;

use super::server_fns::Disconnect;
use crate::browser;
use crate::components::badge::Tone;
use crate::components::button::{Look, Submit};
use crate::components::dialog::{Dialog, Dismiss};
use crate::components::number::counted;
use crate::components::rows::Rows;
use crate::components::toast::{Toast, Toasts};
use crate::live::follow::Followed;
use crate::model::admin::ConnectionRow;

const DIALOG: &str = "disconnect";

/// `3 selected … Disconnect 3 connections…`.
#[component]
pub fn BulkBar(
    /// The list.
    rows: Rows<ConnectionRow>,
    /// Ids that are selected.
    picked: RwSignal<BTreeSet<String>>,
    /// Refreshed afterwards.
    list: Followed,
) -> impl IntoView {
    let action = ServerAction::<Disconnect>::new();
    let toasts = Toasts::here();
    Effect::watch(
        move || action.value().get(),
        move |answer, _, _| {
            if let Some(Ok(closed)) = answer {
                let closed = usize::try_from(*closed).unwrap_or(0);
                browser::close_popover(DIALOG);
                picked.set(BTreeSet::new());
                toasts.show(Toast {
                    tone: Tone::Ok,
                    title: format!("Disconnected {}", connections(closed)),
                    body: "Their clients come back by themselves and get what they missed."
                        .to_owned(),
                    link: None,
                });
                list.refresh();
            }
        },
        false,
    );
    let many = move || connections(picked.read().len());
    let ids = move || picked.read().iter().cloned().collect::<Vec<_>>().join(",");
    let names = move || {
        let picked = picked.read();
        let names: BTreeSet<String> = picked
            .iter()
            .filter_map(|id| rows.value(id))
            .map(|row| row.name)
            .collect();
        let shown: Vec<String> = names.iter().take(3).cloned().collect();
        match names.len().saturating_sub(shown.len()) {
            0 => format!("{}.", shown.join(", ")),
            more => format!(
                "{} and {}.",
                shown.join(", "),
                counted(more, "other", "others")
            ),
        }
    };
    let unacked = move || {
        picked
            .read()
            .iter()
            .filter_map(|id| rows.value(id))
            .map(|row| row.unacked)
            .sum::<i64>()
    };
    view! {
        <Show when=move || !picked.read().is_empty()>
            <div class="bulk" role="group" aria-label="Selected connections">
                <strong>{move || format!("{} selected", picked.read().len())}</strong>
                <span class="grow"></span>
                <button
                    type="button"
                    class="btn quiet"
                    on:click=move |_| picked.set(BTreeSet::new())
                >
                    "Clear"
                </button>
                <button type="button" class="btn" popovertarget=DIALOG>
                    {move || format!("Disconnect {}…", many())}
                </button>
            </div>
            <Dialog id=DIALOG title=Signal::derive(move || format!("Disconnect {}", many()))>
                <ActionForm action>
                    <input type="hidden" name="ids" value=ids />
                    <div class="body">
                        <p>
                            {names}
                            " Their clients come back by themselves"
                            {move || match unacked() {
                                0 => ".".to_owned(),
                                unacked => {
                                    let unacked = usize::try_from(unacked).unwrap_or(0);
                                    let words = counted(
                                        unacked,
                                        "unacknowledged message",
                                        "unacknowledged messages",
                                    );
                                    format!(" and get the {words} again.")
                                }
                            }}
                        </p>
                        {move || {
                            action
                                .value()
                                .get()
                                .and_then(Result::err)
                                .map(|error| {
                                    view! {
                                        <p class="err" role="alert">
                                            <i class="dot bad" aria-hidden="true"></i>
                                            {error.to_string()}
                                        </p>
                                    }
                                })
                        }}
                    </div>
                    <div class="foot">
                        <Dismiss dialog=DIALOG label="Keep them" />
                        {move || {
                            view! {
                                <Submit
                                    label=format!("Disconnect {}", many())
                                    doing="Disconnecting"
                                    pending=action.pending()
                                    look=Look::Danger
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

fn connections(count: usize) -> String {
    counted(count, "connection", "connections")
}
