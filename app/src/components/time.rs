//! `<time>`: UTC from the server, the reader's zone after hydration, the exact instant on hover.

use leptos::prelude::*;

use super::clock::Clock;
use super::words::Reading;
use crate::model::Moment;

/// How much an instant says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// `3 min`, `16:20`, `18 Nov`.
    #[default]
    Ago,
    /// `14:02`.
    Clock,
    /// `today 08:41`, `18 Nov, 08:41`.
    Stamp,
    /// `Today`, `Yesterday`, `Fri 20 Nov`.
    Day,
}

/// Reads `at` on this page's clock. Tracked.
#[must_use]
pub fn reading(at: Moment) -> Reading {
    let clock = Clock::here();
    read_on(clock, at)
}

/// Reads `at` on the clock that was fetched before: for closures that run outside the owner.
#[must_use]
pub fn read_on(clock: Clock, at: Moment) -> Reading {
    Reading {
        at,
        now: clock.now(),
        zone: clock.zone(at),
    }
}

/// An instant.
#[component]
pub fn Time(
    /// When.
    #[prop(into)]
    at: Signal<Moment>,
    /// How much of it.
    #[prop(optional)]
    shape: Shape,
) -> impl IntoView {
    let clock = Clock::here();
    let text = move || {
        let reading = read_on(clock, at.get());
        match shape {
            Shape::Ago => reading.ago(),
            Shape::Clock => reading.clock(),
            Shape::Stamp => reading.stamp(),
            Shape::Day => reading.day(),
        }
    };
    view! {
        <time datetime=move || at.get().iso() title=move || at.get().iso().replace('T', " ")>
            {text}
        </time>
    }
}
