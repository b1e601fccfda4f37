//! What has no topic is asked for again while somebody looks.

use std::future::Future;

use leptos::prelude::*;

use super::refused::Refused;
use crate::browser;
use crate::components::clock::Clock;
use crate::components::time::read_on;
use crate::error::AppError;
use crate::live::{Live, LiveStatus};
use crate::model::Moment;

/// Something that is asked for again and again.
pub struct Polled<T: 'static> {
    /// As it was last.
    pub now: RwSignal<T>,
    /// When that was.
    pub as_of: RwSignal<Moment>,
    /// Why it could not be asked for again.
    pub failed: RwSignal<Option<AppError>>,
    again: Callback<()>,
}

impl<T> Clone for Polled<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Polled<T> {}

impl<T> Polled<T> {
    /// Asks now: something was changed here.
    pub fn refresh(self) {
        self.again.run(());
    }
}

/// Asks every so many milliseconds, as long as the page is seen and its connection stands.
pub fn poll<T, Fut>(
    first: T,
    every: u64,
    fetch: impl Fn() -> Fut + Send + Sync + 'static,
) -> Polled<T>
where
    T: Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<T, AppError>> + 'static,
{
    let clock = Clock::here();
    let live = Live::here();
    let now = RwSignal::new(first);
    let as_of = RwSignal::new(clock.then());
    let failed = RwSignal::new(None::<AppError>);
    let again = Action::new_local(move |(): &()| fetch());
    Effect::new(move || {
        browser::every(every, move || {
            let busy = again.pending().get_untracked();
            let live = live.status.get_untracked() == LiveStatus::Live;
            if live && !busy && browser::visible() {
                again.dispatch(());
            }
        });
    });
    Effect::new(move || match again.value().get() {
        Some(Ok(new)) => {
            as_of.set(clock.precise());
            failed.set(None);
            now.set(new);
        }
        Some(Err(error)) => failed.set(Some(error)),
        None => {}
    });
    Polled {
        now,
        as_of,
        failed,
        again: Callback::new(move |()| {
            again.dispatch(());
        }),
    }
}

/// `As of 14:02:11`, and why it is no later.
#[component]
pub fn AsOf(
    as_of: RwSignal<Moment>,
    failed: RwSignal<Option<AppError>>,
    /// Under what it is about, not over it.
    #[prop(optional)]
    below: bool,
) -> impl IntoView {
    let clock = Clock::here();
    let stamp = move || read_on(clock, as_of.get()).clock_seconds();
    view! {
        <div class=if below { "pager" } else { "bar small faint" }>
            <span>"As of " <span class="num">{stamp}</span></span>
            {move || failed.get().map(|error| view! { <Refused error /> })}
        </div>
    }
    .into_any()
}
