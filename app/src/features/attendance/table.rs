//! The board's table: everybody by name, so that a punch moves nobody.

use leptos::prelude::*;

use super::filters::Filter;
use super::row::PersonRow;
use crate::components::empty::Empty;
use crate::components::icon::Glyph;
use crate::components::number::counted;
use crate::components::rows::Rows;
use crate::model::attendance::{BoardRow, Site};

/// Id of the part that scrolls.
pub const BOARD: &str = "board";

/// The rows the filter lets through.
#[component]
pub fn BoardTable(
    /// Those on screen.
    rows: Rows<BoardRow>,
    /// How many people there are.
    #[prop(into)]
    people: Signal<i64>,
    /// As it stands.
    #[prop(into)]
    filter: Signal<Filter>,
    /// For the words of the filter.
    sites: StoredValue<Vec<Site>>,
    /// The data are old.
    #[prop(into)]
    dim: Signal<bool>,
) -> impl IntoView {
    let nothing = move || {
        let hidden = usize::try_from(people.get()).unwrap_or(0);
        if hidden == 0 {
            return view! {
                <Empty
                    glyph=Glyph::Clock
                    title="Nobody is on the board yet"
                    text="People appear here once they are provisioned, and change with each punch."
                />
            }
            .into_any();
        }
        let words = filter.get().words(&sites.get_value());
        let people = counted(hidden, "person is", "people are");
        view! {
            <Empty
                glyph=Glyph::Filter
                title="Nobody matches"
                text=format!("{people} hidden by the filter {words}.")
            >
                <a class="link" href="/attendance">
                    {format!("Clear the filter, show {hidden}")}
                </a>
            </Empty>
        }
        .into_any()
    };
    view! {
        <div
            class="tablewrap"
            id=BOARD
            class:dim=dim
            tabindex="0"
            role="region"
            aria-label="Board"
        >
            <Show when=move || !rows.is_empty() fallback=nothing>
                <table>
                    <caption class="vh">
                        "People on the board, by name. Times are site time."
                    </caption>
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            <th scope="col" class="hide-phone">
                                "Department"
                            </th>
                            <th scope="col" class="gap-start">
                                "State"
                            </th>
                            <th scope="col" class="num">
                                "Since"
                            </th>
                            <th scope="col" class="num hide-phone">
                                "First in"
                            </th>
                            <th scope="col" class="gap-start hide-tight">
                                "Device"
                            </th>
                            <th scope="col" class="num hide-tight">
                                "Device to here"
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || rows.shown() key=Clone::clone let:key>
                            {rows.cell(&key).map(|cell| view! { <PersonRow cell filter sites /> })}
                        </For>
                    </tbody>
                </table>
            </Show>
        </div>
    }
    .into_any()
}
