//! Closing the selected connections.

use std::collections::BTreeSet;

use leptos::form::ActionForm;
use leptos::prelude::*;

use super::bulk::{BulkBar, Deed, Failed, Foot, Ids};
use super::server_fns::Disconnect;
use crate::browser;
use crate::components::badge::Tone;
use crate::components::button::Look;
use crate::components::number::counted;
use crate::components::rows::Rows;
use crate::components::toast::{Toast, Toasts};
use crate::live::follow::Followed;
use crate::model::admin::ConnectionRow;

const DIALOG: &str = "disconnect";

/// `3 selected … Disconnect 3 connections…`.
#[component]
pub fn DisconnectBar(
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
                    own: true,
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
    let label = move || format!("Disconnect {}", connections(picked.read().len()));
    let deed = Deed {
        dialog: DIALOG,
        bar: "Selected connections",
        label: Signal::derive(label),
        keep: Signal::derive(move || match picked.read().len() {
            1 => "Keep it",
            _ => "Keep them",
        }),
    };
    let error = Signal::derive(move || action.value().get().and_then(Result::err));
    view! {
        <BulkBar picked deed>
            <ActionForm action>
                <Ids picked />
                <div class="body">
                    <p>{move || consequence(rows, &picked.read())}</p>
                    <Failed error />
                </div>
                <Foot
                    deed
                    label=deed.label
                    doing="Disconnecting"
                    pending=action.pending()
                    look=Look::Danger
                />
            </ActionForm>
        </BulkBar>
    }
    .into_any()
}

/// `Ada, Björn. Their clients come back by themselves and get the 2 unacknowledged messages again.`
fn consequence(rows: Rows<ConnectionRow>, picked: &BTreeSet<String>) -> String {
    let picked: Vec<ConnectionRow> = picked.iter().filter_map(|id| rows.value(id)).collect();
    let names: BTreeSet<&str> = picked.iter().map(|row| row.name.as_str()).collect();
    let shown: Vec<&str> = names.iter().take(3).copied().collect();
    let shown = shown.join(", ");
    let names = match names.len().saturating_sub(3) {
        0 => shown,
        more => format!("{shown} and {}", counted(more, "other", "others")),
    };
    let unacked: i64 = picked.iter().map(|row| row.unacked).sum();
    let again = match usize::try_from(unacked).unwrap_or(0) {
        0 => String::new(),
        unacked => {
            let words = counted(unacked, "unacknowledged message", "unacknowledged messages");
            format!(" and get the {words} again")
        }
    };
    format!("{names}. Their clients come back by themselves{again}.")
}

fn connections(count: usize) -> String {
    counted(count, "connection", "connections")
}
