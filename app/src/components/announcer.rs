//! The two live regions. They stand in the server's HTML before any text comes into them, because
//! assistive technology only watches regions it has met.

use leptos::prelude::*;

/// Speaks to those who do not see the screen.
#[derive(Clone, Copy)]
pub struct Announcer {
    polite: RwSignal<String>,
    assertive: RwSignal<String>,
}

impl Announcer {
    /// Puts it into context; `App` calls this once.
    pub fn provide() {
        provide_context(Self {
            polite: RwSignal::new(String::new()),
            assertive: RwSignal::new(String::new()),
        });
    }

    /// The page's announcer.
    #[must_use]
    pub fn here() -> Self {
        use_context().unwrap_or_else(|| Self {
            polite: RwSignal::new(String::new()),
            assertive: RwSignal::new(String::new()),
        })
    }

    /// At the next pause.
    pub fn say(self, text: impl Into<String>) {
        self.polite.set(text.into());
    }

    /// At once: only for the failure of something the person did.
    pub fn interrupt(self, text: impl Into<String>) {
        self.assertive.set(text.into());
    }
}

/// The regions.
#[component]
pub fn LiveRegions() -> impl IntoView {
    let announcer = Announcer::here();
    view! {
        <div class="vh" role="status" aria-live="polite">
            {move || announcer.polite.get()}
        </div>
        <div class="vh" role="alert" aria-live="assertive">
            {move || announcer.assertive.get()}
        </div>
    }
}
