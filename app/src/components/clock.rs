//! One clock for the page: the server's time while the page is hydrated, the browser's afterwards,
//! with one tick of 30 s that all relative times share.

use leptos::prelude::*;

use crate::browser;
use crate::model::Moment;

/// The page's clock. The server renders UTC; the browser's zone counts only after hydration, so
/// that both draw the same text first.
#[derive(Clone, Copy)]
pub struct Clock {
    /// The server's time when it drew the page; the browser's if the page was never drawn there.
    opened: Moment,
    now: RwSignal<Moment>,
    local: RwSignal<bool>,
    /// Server minus browser, so that a wrong clock on the desk tells no wrong ages.
    skew: StoredValue<i64>,
}

impl Clock {
    /// Starts the clock; `App` calls this once.
    pub fn provide() {
        let started = SharedValue::new(server_now).into_inner();
        let clock = Self {
            opened: started,
            now: RwSignal::new(started),
            local: RwSignal::new(false),
            skew: StoredValue::new(0),
        };
        Effect::new(move || {
            clock.skew.set_value(started.since(browser::now()));
            clock.local.set(true);
            clock.tick();
            browser::every(30_000, move || clock.tick());
        });
        provide_context(clock);
    }

    /// The clock of this page.
    #[must_use]
    pub fn here() -> Self {
        use_context().unwrap_or_else(|| Self {
            opened: Moment(0),
            now: RwSignal::new(Moment(0)),
            local: RwSignal::new(false),
            skew: StoredValue::new(0),
        })
    }

    /// When this page was drawn, by the server's clock: what is newer was not in it.
    #[must_use]
    pub fn opened(self) -> Moment {
        self.opened
    }

    fn tick(self) {
        self.now.set(self.precise());
    }

    /// The shared tick, at most 30 s old. Tracked.
    #[must_use]
    pub fn now(self) -> Moment {
        self.now.get()
    }

    /// The shared tick, not tracked: for words that are written once.
    #[must_use]
    pub fn then(self) -> Moment {
        self.now.get_untracked()
    }

    /// The instant itself, for stamps; only in the browser.
    #[must_use]
    pub fn precise(self) -> Moment {
        Moment(browser::now().0 + self.skew.get_value())
    }

    /// Milliseconds to add to UTC for reading `at` here. Tracked.
    #[must_use]
    pub fn zone(self, at: Moment) -> i64 {
        if self.local.get() {
            browser::zone_offset(at)
        } else {
            0
        }
    }
}

#[cfg(feature = "ssr")]
fn server_now() -> Moment {
    crate::backend::backend().map_or(Moment(0), |backend| backend.now())
}

#[cfg(not(feature = "ssr"))]
fn server_now() -> Moment {
    browser::now()
}
