//! One person on the board.

use leptos::prelude::*;

use super::badge;
use crate::components::avatar::Avatar;
use crate::components::badge::Badge;
use crate::components::fresh::fresh_class;
use crate::components::rows::{Cell, Row};
use crate::components::words::short_span;
use crate::model::attendance::BoardRow;

impl Row for BoardRow {
    fn key(&self) -> &str {
        &self.user
    }
}

/// Name, department, state, since, first in, device, lag. A punch changes the cells it changes.
#[component]
pub fn PersonRow(
    /// The person.
    cell: Cell<BoardRow>,
) -> impl IntoView {
    let row: Signal<BoardRow> = cell.row.into();
    let changes = cell.changes;
    let name = row.read_untracked().name.clone();
    let state = Memo::new(move |_| badge::of(row.read().state));
    let text = move |pick: fn(&BoardRow) -> Option<String>| {
        move || match pick(&row.read()) {
            Some(text) => view! { <span>{text}</span> },
            None => view! { <span>{"–".to_owned()}</span> },
        }
    };
    view! {
        <tr class=move || fresh_class(changes.get())>
            <th scope="row" class="w30">
                <span class="who">
                    <Avatar name=name.clone() />
                    <span class="cut" title=name.clone()>
                        {name.clone()}
                    </span>
                </span>
            </th>
            <td class="muted hide-phone">{move || row.read().department.clone()}</td>
            <td class="gap-start live">
                <Badge
                    tone=Signal::derive(move || state.get().0)
                    word=Signal::derive(move || state.get().1)
                    even=true
                />
            </td>
            <td class="num live">{text(|row| row.since.clone())}</td>
            <td class="num live hide-phone">{text(|row| row.first_in.clone())}</td>
            <td class="muted live gap-start hide-phone">{text(|row| row.device.clone())}</td>
            <td class="num muted live hide-phone">
                {text(|row| row.lag_ms.map(short_span))}
            </td>
        </tr>
    }
    .into_any()
}
