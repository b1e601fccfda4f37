//! What the console's three lists have in common: a search, the page that the address asks for, rows
//! that follow their topic, and a pager.

use std::future::Future;

use leptos::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Sections;
use super::search::{SearchBar, address, use_page_query};
use crate::components::empty::Empty;
use crate::components::icon::Glyph;
use crate::components::pager::Pager;
use crate::components::problem::{Problem, StaleStrip, use_dim};
use crate::components::rows::{Row, Rows};
use crate::components::skeleton::Skeleton;
use crate::components::tabs::{Tab, Tabs};
use crate::components::update_bar::UpdateBar;
use crate::error::AppError;
use crate::live::follow::{Followed, Plan, follow};
use crate::model::admin::Page;

/// Between two snapshots, at least: the console's lists change all the time.
const PACE_MS: u64 = 1_000;

/// One of the lists.
pub struct Console {
    /// Where it stands.
    pub path: &'static str,
    /// Its topic.
    pub topic: &'static str,
    /// Id of the element around its rows.
    pub id: &'static str,
    /// Name of that element.
    pub label: &'static str,
    /// What can be searched.
    pub hint: &'static str,
    /// Over an empty list.
    pub glyph: Glyph,
    /// An empty list's title, and what would appear here.
    pub nothing: [&'static str; 2],
    /// A search's title without a hit, and what does not match: `Nothing open`.
    pub no_match: [&'static str; 2],
    /// Searches that are a link, with their labels.
    pub filters: &'static [(&'static str, &'static str)],
}

/// A page of a list, with the question it answers.
#[derive(Clone)]
pub struct Found<T> {
    /// The rows.
    pub page: Page<T>,
    /// What was searched.
    pub search: String,
    /// Number of the page, from 0.
    pub number: u32,
}

/// The screen: search above, below it what `list` makes of what was found.
pub fn screen<T, Fut>(
    of: &'static Console,
    fetch: fn(String, u32) -> Fut,
    list: fn(Found<T>) -> AnyView,
) -> AnyView
where
    T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
    Fut: Future<Output = Result<Page<T>, AppError>> + Send + 'static,
{
    let query = use_page_query();
    let snapshot = Resource::new_blocking(
        move || query.get(),
        move |(search, page)| fetch(search, page),
    );
    view! {
        <Sections />
        <SearchBar path=of.path hint=of.hint />
        {filters(of, query)}
        <Transition fallback=|| {
            view! { <Skeleton rows=12 /> }
        }>
            {move || {
                let (search, number) = query.get();
                Suspend::new(async move {
                    match snapshot.await {
                        Ok(page) => list(Found { page, search, number }),
                        Err(error) => {
                            let retry = Callback::new(move |()| snapshot.refetch());
                            view! { <Problem error retry /> }.into_any()
                        }
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}

fn filters(of: &'static Console, query: Memo<(String, u32)>) -> Option<AnyView> {
    let tab = move |(word, label): (&'static str, &'static str)| {
        let current = Signal::derive(move || query.read().0 == word);
        view! { <Tab href=address(of.path, 0, word) label current /> }
    };
    let tabs = of.filters.iter().copied().map(tab).collect_view();
    (!of.filters.is_empty()).then(|| view! { <Tabs label="Filters">{tabs}</Tabs> }.into_any())
}

/// Rows that are kept up to date.
pub struct Kept<T: 'static> {
    of: &'static Console,
    /// The rows.
    pub rows: Rows<T>,
    /// All that match, on all pages.
    total: RwSignal<i64>,
    /// How they are followed.
    pub list: Followed,
    search: StoredValue<String>,
    number: u32,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Kept<T> {}

/// Follows what was found. `row` makes a row of an item; `quiet` says whether fresh rows may move
/// those on screen at once.
pub fn keep<T, R, Fut>(
    of: &'static Console,
    found: Found<T>,
    fetch: fn(String, u32) -> Fut,
    row: fn(T) -> R,
    quiet: impl Fn(&[R]) -> bool + Send + Sync + 'static,
) -> Kept<R>
where
    T: Send + Sync + 'static,
    R: Row,
    Fut: Future<Output = Result<Page<T>, AppError>> + 'static,
{
    let Found {
        page,
        search,
        number,
    } = found;
    let total = RwSignal::new(page.total);
    let rows = Rows::new(page.rows.into_iter().map(row).collect());
    let asked = search.clone();
    let list = follow(Plan {
        topic: of.topic.to_owned(),
        as_of: page.as_of,
        pace: PACE_MS,
        fetch: Box::new(move || fetch(asked.clone(), number)),
        take: Callback::new(move |page: Page<T>| {
            total.set(page.total);
            let fresh: Vec<R> = page.rows.into_iter().map(row).collect();
            let quiet = quiet(&fresh);
            rows.offer(fresh, quiet);
        }),
        apply: Callback::new(|_| {}),
    });
    Kept {
        of,
        rows,
        total,
        list,
        search: StoredValue::new(search),
        number,
    }
}

impl<T> Kept<T> {
    /// All that match, on all pages; counted up to 10,000.
    pub fn total(self) -> Signal<i64> {
        self.total.into()
    }
}

impl<T: Row> Kept<T> {
    /// The list with `table` in it, or with a word on why there is nothing; `below` stands between
    /// it and the pager.
    pub fn around(self, table: fn(Self) -> AnyView, below: Option<AnyView>) -> AnyView {
        let Self {
            of,
            rows,
            total,
            list,
            search,
            number,
        } = self;
        let dim = use_dim(list);
        let nothing = move || {
            let search = search.get_value();
            let (title, text) = if search.is_empty() {
                (of.nothing[0], of.nothing[1].to_owned())
            } else {
                let text = format!("{} matches “{search}”.", of.no_match[1]);
                (of.no_match[0], text)
            };
            let clear = (!search.is_empty()).then(|| {
                view! {
                    <a class="link" href=of.path>
                        "Clear the search"
                    </a>
                }
            });
            view! {
                <Empty glyph=of.glyph title text>
                    {clear}
                </Empty>
            }
        };
        view! {
            <UpdateBar rows />
            <StaleStrip list />
            <div
                class="tablewrap"
                id=of.id
                class:dim=dim
                tabindex="0"
                role="region"
                aria-label=of.label
            >
                <Show when=move || !rows.is_empty() fallback=nothing>
                    {move || table(self)}
                </Show>
            </div>
            {below}
            <Pager
                page=number
                rows=Signal::derive(move || rows.len())
                total
                href=move |page, search| address(of.path, page, search)
                search=search.get_value()
            />
        }
        .into_any()
    }
}
