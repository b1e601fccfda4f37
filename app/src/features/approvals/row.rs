//! One row of a list, two lines high.

use leptos::prelude::*;

use super::due::DueCell;
use super::{address, kind};
use crate::components::fresh::row_class;
use crate::components::icon::Icon;
use crate::components::rows::{Cell, Row};
use crate::model::approval::{ApprovalRow, ApprovalTab};

impl Row for ApprovalRow {
    fn key(&self) -> &str {
        &self.id
    }
}

/// Icon and subject over who asks; amount over the step; due over how long it waits.
#[component]
pub fn RequestRow(
    /// The row.
    cell: Cell<ApprovalRow>,
    /// Its list, for the link.
    tab: ApprovalTab,
    /// It is open beside the list.
    #[prop(into)]
    open: Signal<bool>,
) -> impl IntoView {
    let row: Signal<ApprovalRow> = cell.row.into();
    let changes = cell.changes;
    let (glyph, label) = kind::of(&row.read_untracked().kind);
    let href = address(tab, Some(&row.read_untracked().id));
    let subject = Memo::new(move |_| row.read().subject.clone());
    let who = Memo::new(move |_| match tab {
        ApprovalTab::Mine => {
            let waits_on = row.read().waits_on.join(", ");
            if waits_on.is_empty() {
                row.read().number.clone()
            } else {
                format!("With {waits_on}")
            }
        }
        ApprovalTab::Waiting | ApprovalTab::Decided => {
            let person = row.read().requester.clone();
            if person.department.is_empty() {
                person.name
            } else {
                format!("{} · {}", person.name, person.department)
            }
        }
    });
    let step = move || {
        let row = row.read();
        if row.steps > 1 {
            format!("step {} of {}", row.step, row.steps)
        } else {
            String::new()
        }
    };
    view! {
        <tr
            class=move || row_class(changes.get(), open.get())
            aria-current=move || open.get().then_some("true")
        >
            <th scope="row" class="fill">
                <div class="req">
                    <Icon glyph label=label />
                    <a class="cut" href=href title=move || subject.get()>
                        {move || subject.get()}
                    </a>
                    <span class="sub cut" title=move || who.get()>
                        <span class="only-tight">
                            {move || {
                                let amount = row.read().amount.clone();
                                if amount.is_empty() { amount } else { format!("{amount} · ") }
                            }}
                        </span>
                        {move || who.get()}
                    </span>
                </div>
            </th>
            <td class="num live hide-tight">
                <span class="two">
                    <span>{move || row.read().amount.clone()}</span>
                    <span>{step}</span>
                </span>
            </td>
            <td class="num live">
                <DueCell row />
            </td>
        </tr>
    }
    .into_any()
}
