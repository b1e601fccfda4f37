//! The search of a console list: a plain GET form, so it works without script, and its address
//! can be sent to somebody.

use leptos::prelude::*;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::components::icon::{Glyph, Icon};
use crate::features::sign_in::escape;

/// Search and page of a console list, from the address.
#[must_use]
pub fn use_page_query() -> Memo<(String, u32)> {
    let query = use_query_map();
    Memo::new(move |_| {
        let query = query.read();
        let page = query
            .get("page")
            .and_then(|page| page.parse().ok())
            .unwrap_or(0);
        (query.get("search").unwrap_or_default(), page)
    })
}

/// Address of a page of a list.
#[must_use]
pub fn address(path: &str, page: u32, search: &str) -> String {
    let mut query = Vec::new();
    if !search.is_empty() {
        query.push(format!("search={}", escape(search)));
    }
    if page > 0 {
        query.push(format!("page={page}"));
    }
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", query.join("&"))
    }
}

/// The field.
#[component]
pub fn SearchBar(
    /// Path of the list.
    path: &'static str,
    /// What can be typed: `Name, user, device or address`.
    hint: &'static str,
) -> impl IntoView {
    let query = use_page_query();
    let navigate = use_navigate();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let typed = event_target::<leptos::web_sys::HtmlFormElement>(&event);
        let search = leptos::web_sys::FormData::new_with_form(&typed)
            .ok()
            .and_then(|data| data.get("search").as_string())
            .unwrap_or_default();
        navigate(
            &address(path, 0, search.trim()),
            leptos_router::NavigateOptions::default(),
        );
    };
    view! {
        <form class="bar" method="get" action=path role="search" on:submit=submit>
            <label class="query grow">
                <Icon glyph=Glyph::Search />
                <span class="vh">{hint}</span>
                <input
                    type="search"
                    name="search"
                    placeholder=hint
                    autocomplete="off"
                    value=query.get_untracked().0
                    prop:value=move || query.get().0
                />
            </label>
            <button type="submit" class="btn">
                "Search"
            </button>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(address("/admin/groups", 0, ""), "/admin/groups");
        assert_eq!(
            address("/admin/groups", 2, "dept:fin"),
            "/admin/groups?search=dept%3Afin&page=2"
        );
    }
}
