//! The strip of tiles: absolute counts of everybody; a click filters.

use leptos::prelude::*;

use super::badge;
use super::filters::Filter;
use crate::components::tile::Tile;
use crate::model::attendance::{BoardTiles, Presence};

/// People, In, On break, Out, Not seen today.
#[component]
pub fn Tiles(
    /// As of now.
    tiles: RwSignal<BoardTiles>,
    /// As it stands.
    #[prop(into)]
    filter: Signal<Filter>,
) -> impl IntoView {
    let one = move |label, state: Option<Presence>, pick: fn(&BoardTiles) -> i64| {
        let href = Signal::derive(move || {
            Filter {
                state,
                ..filter.get()
            }
            .address()
        });
        let current = Signal::derive(move || filter.read().state == state);
        let value = Signal::derive(move || pick(&tiles.get()));
        match state.map(|state| badge::of(state).0) {
            Some(tone) => view! { <Tile label value tone href current /> }.into_any(),
            None => view! { <Tile label value href current /> }.into_any(),
        }
    };
    view! {
        <section class="tiles" aria-label="Counts now, each filters the board">
            {one("People", None, |tiles| tiles.people)}
            {one("In", Some(Presence::In), |tiles| tiles.present)}
            {one("On break", Some(Presence::OnBreak), |tiles| tiles.on_break)}
            {one("Out", Some(Presence::Out), |tiles| tiles.out)}
            {one("Not seen today", Some(Presence::NotSeen), |tiles| tiles.not_seen)}
        </section>
    }
    .into_any()
}
