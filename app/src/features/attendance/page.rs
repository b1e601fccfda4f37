//! `/attendance`: tiles, filters, the board.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::filters::{Filter, Filters};
use super::server_fns::load_board;
use super::table::{BOARD, BoardTable};
use super::tiles::Tiles;
use crate::browser;
use crate::components::announcer::Announcer;
use crate::components::number::counted;
use crate::components::problem::{Problem, StaleStrip, use_dim};
use crate::components::rows::Rows;
use crate::components::skeleton::Skeleton;
use crate::components::update_bar::UpdateBar;
use crate::features::frame::counts;
use crate::live::follow::{Plan, follow};
use crate::model::attendance::{Board, BoardRow, BoardTiles};
use crate::protocol::{Patch, topic};

/// How often at most the board says aloud what changed.
const SPEAK_MS: u64 = 10_000;

/// The page.
#[component]
pub fn AttendancePage() -> impl IntoView {
    let snapshot = Resource::new_blocking(|| (), |()| load_board());
    view! {
        <Transition fallback=|| {
            view! { <Skeleton rows=12 /> }
        }>
            {move || Suspend::new(async move {
                match snapshot.await {
                    Ok(board) => view! { <LiveBoard board /> }.into_any(),
                    Err(error) => {
                        let retry = Callback::new(move |()| snapshot.refetch());
                        view! { <Problem error retry /> }.into_any()
                    }
                }
            })}
        </Transition>
    }
    .into_any()
}

/// Everybody, by name and then by key, whatever the filter.
type Everybody = BTreeMap<(String, String), BoardRow>;

fn everybody(rows: Vec<BoardRow>) -> Everybody {
    rows.into_iter()
        .map(|row| ((row.name.to_lowercase(), row.user.clone()), row))
        .collect()
}

fn chosen(all: &Everybody, filter: &Filter) -> Vec<BoardRow> {
    all.values()
        .filter(|row| filter.lets(row))
        .cloned()
        .collect()
}

#[component]
fn LiveBoard(board: Board) -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| Filter::of(&query.read()));
    let tiles = RwSignal::new(board.tiles);
    let Board {
        rows,
        sites,
        departments,
        as_of,
        ..
    } = board;
    let all = StoredValue::new(everybody(rows));
    let rows = Rows::new(all.with_value(|all| chosen(all, &filter.get_untracked())));
    let sites_kept = StoredValue::new(sites.clone());

    let offer = move |apply: bool| {
        let list = all.with_value(|all| chosen(all, &filter.get_untracked()));
        rows.offer(list, apply);
    };
    // Another filter is the person's own wish: it applies at once.
    Effect::watch(move || filter.get(), move |_, _, _| offer(true), false);

    let arrived = StoredValue::new(0_usize);
    let take = move |board: Board| {
        tiles.set(board.tiles);
        all.set_value(everybody(board.rows));
        offer(browser::undisturbed(BOARD));
    };
    let apply = move |patch: Patch| {
        if let Some(new) = counts::read::<BoardTiles>(&patch) {
            tiles.set(new);
        }
        let changed: Vec<BoardRow> = counts::rows(&patch);
        arrived.update_value(|arrived| *arrived += changed.len());
        all.update_value(|all| {
            all.retain(|(_, user), _| {
                !patch.remove.contains(user) && !changed.iter().any(|row| row.user == *user)
            });
            all.append(&mut everybody(changed.clone()));
        });
        // A row that left the filter still shows what it became, until it is applied.
        for row in changed {
            rows.patch(row);
        }
        offer(browser::undisturbed(BOARD));
    };
    let list = follow(Plan {
        topic: topic::ATTENDANCE.to_owned(),
        as_of,
        pace: 0,
        fetch: Box::new(load_board),
        take: Callback::new(take),
        apply: Callback::new(apply),
    });
    speak(arrived);
    let dim = use_dim(list);

    view! {
        <Tiles tiles filter />
        <Filters filter sites departments />
        <UpdateBar rows />
        <StaleStrip list />
        <BoardTable
            rows
            people=Signal::derive(move || tiles.get().people)
            filter
            sites=sites_kept
            dim
        />
    }
    .into_any()
}

/// Tables are no live regions: a summary is, and seldom.
fn speak(arrived: StoredValue<usize>) {
    let announcer = Announcer::here();
    Effect::new(move || {
        browser::every(SPEAK_MS, move || {
            let count = arrived.try_update_value(std::mem::take).unwrap_or(0);
            if count > 0 {
                announcer.say(counted(count, "person punched", "people punched"));
            }
        });
    });
}
