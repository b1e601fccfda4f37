//! What of the board is shown. Filters live in the address; they work without script too, because
//! the form that changes them is a plain GET.

use leptos::prelude::*;
use leptos_router::params::ParamsMap;

use crate::features::sign_in::escape;
use crate::model::attendance::{BoardRow, Presence, Site};

/// The filter, as the address says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only who is there.
    pub state: Option<Presence>,
    /// Key of a site; empty for all.
    pub site: String,
    /// Name of a department; empty for all.
    pub department: String,
    /// Part of a name; empty for all.
    pub search: String,
}

const STATES: [(Presence, &str); 4] = [
    (Presence::In, "in"),
    (Presence::OnBreak, "break"),
    (Presence::Out, "out"),
    (Presence::NotSeen, "not-seen"),
];

impl Filter {
    /// Reads the query.
    #[must_use]
    pub fn of(query: &ParamsMap) -> Self {
        let word = query.get("state");
        let text = |name: &str| {
            query
                .get(name)
                .map(|it| it.trim().to_owned())
                .unwrap_or_default()
        };
        Self {
            state: STATES
                .into_iter()
                .find(|(_, name)| Some(*name) == word.as_deref())
                .map(|(state, _)| state),
            site: text("site"),
            department: text("department"),
            search: text("search"),
        }
    }

    /// The address that shows this.
    #[must_use]
    pub fn address(&self) -> String {
        let mut query = Vec::new();
        if let Some(word) = self.word() {
            query.push(format!("state={word}"));
        }
        for (name, value) in [
            ("site", &self.site),
            ("department", &self.department),
            ("search", &self.search),
        ] {
            if !value.is_empty() {
                query.push(format!("{name}={}", escape(value)));
            }
        }
        if query.is_empty() {
            "/attendance".to_owned()
        } else {
            format!("/attendance?{}", query.join("&"))
        }
    }

    fn word(&self) -> Option<&'static str> {
        STATES
            .into_iter()
            .find(|(state, _)| Some(*state) == self.state)
            .map(|(_, word)| word)
    }

    /// Does this row belong on screen?
    #[must_use]
    pub fn lets(&self, row: &BoardRow) -> bool {
        self.state.is_none_or(|state| state == row.state)
            && (self.site.is_empty() || self.site == row.site)
            && (self.department.is_empty() || self.department == row.department)
            && (self.search.is_empty()
                || row
                    .name
                    .to_lowercase()
                    .contains(&self.search.to_lowercase()))
    }

    /// The filter in words: `On break, site Leeds`.
    #[must_use]
    pub fn words(&self, sites: &[Site]) -> String {
        let site = sites.iter().find(|site| site.key == self.site);
        let site = site.map_or(self.site.as_str(), |site| site.name.as_str());
        let mut words = Vec::new();
        if let Some(state) = self.state {
            words.push(super::badge::of(state).1.to_owned());
        }
        if !site.is_empty() {
            words.push(format!("site {site}"));
        }
        if !self.department.is_empty() {
            words.push(format!("department {}", self.department));
        }
        if !self.search.is_empty() {
            words.push(format!("“{}”", self.search));
        }
        words.join(", ")
    }
}

/// Site, department, search. A choice goes into the address at once; the button is for pages
/// without script.
#[component]
pub fn Filters(
    /// As it stands.
    #[prop(into)]
    filter: Signal<Filter>,
    /// To choose from.
    sites: Vec<Site>,
    /// To choose from.
    departments: Vec<String>,
) -> impl IntoView {
    let navigate = leptos_router::hooks::use_navigate();
    let go = Callback::new(move |filter: Filter| {
        let options = leptos_router::NavigateOptions {
            scroll: false,
            replace: true,
            ..Default::default()
        };
        navigate(&filter.address(), options);
    });
    let zone = {
        let sites = sites.clone();
        move || {
            let filter = filter.get();
            let site = sites.iter().find(|site| site.key == filter.site)?;
            Some(format!("Site time, {}", site.zone))
        }
    };
    let sites = sites
        .into_iter()
        .map(|site| (site.key, site.name))
        .collect::<Vec<_>>();
    let departments = departments
        .into_iter()
        .map(|name| (name.clone(), name))
        .collect::<Vec<_>>();
    view! {
        <form class="bar" method="get" action="/attendance" role="search" aria-label="Filters">
            <Choice
                name="site"
                label="Site"
                all="All sites"
                options=sites
                value=Signal::derive(move || filter.get().site)
                chosen=Callback::new(move |site| go.run(Filter { site, ..filter.get_untracked() }))
            />
            <Choice
                name="department"
                label="Department"
                all="All departments"
                options=departments
                value=Signal::derive(move || filter.get().department)
                chosen=Callback::new(move |department| {
                    go.run(Filter { department, ..filter.get_untracked() });
                })
            />
            <label class="vh" for="board-search">
                "Search by name"
            </label>
            <input
                class="input search"
                id="board-search"
                name="search"
                type="search"
                placeholder="Search by name"
                autocomplete="off"
                prop:value=move || filter.get().search
                value=filter.get_untracked().search
                on:input=move |event| {
                    go.run(Filter { search: event_target_value(&event), ..filter.get_untracked() });
                }
            />
            {move || {
                filter
                    .get()
                    .word()
                    .map(|word| view! { <input type="hidden" name="state" value=word /> })
            }}
            <button type="submit" class="btn sm only-static">
                "Apply"
            </button>
            <span class="grow hide-phone"></span>
            <span class="faint small">
                {move || zone().unwrap_or_else(|| "Times are site time".to_owned())}
            </span>
        </form>
    }
    .into_any()
}

#[component]
fn Choice(
    name: &'static str,
    label: &'static str,
    all: &'static str,
    options: Vec<(String, String)>,
    value: Signal<String>,
    chosen: Callback<String>,
) -> impl IntoView {
    let on = move || !value.read().is_empty();
    let first = value.get_untracked();
    view! {
        <label class="vh" for=name>
            {label}
        </label>
        <select
            class="fchip"
            class:on=on
            id=name
            name=name
            prop:value=move || value.get()
            on:change=move |event| chosen.run(event_target_value(&event))
        >
            <option value="">{all}</option>
            {options
                .into_iter()
                .map(|(key, word)| {
                    let selected = key == first;
                    view! {
                        <option value=key selected=selected>
                            {word}
                        </option>
                    }
                })
                .collect_view()}
        </select>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_holds_the_filter() {
        let filter = Filter {
            state: Some(Presence::OnBreak),
            site: "leeds".to_owned(),
            department: "Cold store".to_owned(),
            search: "Ní".to_owned(),
        };
        assert_eq!(
            filter.address(),
            "/attendance?state=break&site=leeds&department=Cold%20store&search=N%C3%AD"
        );
        assert_eq!(Filter::default().address(), "/attendance");
        assert_eq!(
            filter.words(&[]),
            "On break, site leeds, department Cold store, “Ní”"
        );
    }
}
