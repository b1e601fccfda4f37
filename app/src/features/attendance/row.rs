//! One person on the board.

use leptos::prelude::*;

use super::badge;
use super::filters::Filter;
use crate::components::avatar::Avatar;
use crate::components::badge::Badge;
use crate::components::fresh::fresh_class;
use crate::components::rows::{Cell, Row};
use crate::components::words::short_span;
use crate::model::attendance::{BoardRow, Site};

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
    /// As it stands: while it names no site, each row does, because times are of the site.
    filter: Signal<Filter>,
    /// For their names.
    sites: StoredValue<Vec<Site>>,
) -> impl IntoView {
    let row: Signal<BoardRow> = cell.row.into();
    let changes = cell.changes;
    let name = row.read_untracked().name.clone();
    let state = Memo::new(move |_| badge::of(row.read().state));
    let site = Memo::new(move |_| {
        if !filter.read().site.is_empty() {
            return None;
        }
        sites.with_value(|sites| site_of(sites, &row.read().site))
    });
    let department = move || {
        let department = row.read().department.clone();
        match site.get() {
            Some(site) if department.is_empty() => site,
            Some(site) => format!("{department} · {site}"),
            None => department,
        }
    };
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
                    <span class="who-text">
                        <span class="cut" title=name.clone()>
                            {name.clone()}
                        </span>
                        {move || {
                            site.get()
                                .map(|site| view! { <span class="sub cut only-phone-block">{site}</span> })
                        }}
                    </span>
                </span>
            </th>
            <td class="muted hide-phone">{department}</td>
            <td class="gap-start live">
                <Badge
                    tone=Signal::derive(move || state.get().0)
                    word=Signal::derive(move || state.get().1)
                    even=true
                />
            </td>
            <td class="num live">{text(|row| row.since.clone())}</td>
            <td class="num live hide-phone">{text(|row| row.first_in.clone())}</td>
            <td class="muted live gap-start hide-tight">{text(|row| row.device.clone())}</td>
            <td class="num muted live hide-tight">
                {text(|row| row.lag_ms.map(short_span))}
            </td>
        </tr>
    }
    .into_any()
}

/// The name of a row's site, where there is more than one.
fn site_of(sites: &[Site], key: &str) -> Option<String> {
    if sites.len() < 2 {
        return None;
    }
    let found = sites.iter().find(|site| site.key == key);
    found.map(|site| site.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_named_where_there_are_several() {
        let site = |key: &str, name: &str| Site {
            key: key.to_owned(),
            name: name.to_owned(),
            zone: "Asia/Kolkata".to_owned(),
        };
        let one = [site("kochi", "Kochi")];
        assert_eq!(site_of(&one, "kochi"), None);
        let two = [site("kochi", "Kochi"), site("leeds", "Leeds")];
        assert_eq!(site_of(&two, "kochi").as_deref(), Some("Kochi"));
        assert_eq!(site_of(&two, "gone"), None);
    }
}
