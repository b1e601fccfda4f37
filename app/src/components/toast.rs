//! Toasts: one at a time at the start side, bottom. Three more may wait, the rest become "5 more".

use std::collections::VecDeque;

use leptos::prelude::*;

use super::announcer::Announcer;
use super::badge::{Dot, Tone};
use super::icon::{Glyph, Icon};
use crate::browser;

/// How long a toast stays when nobody looks at it.
const STAYS_MS: u64 = 7_000;
/// How many wait behind the visible one.
const WAITING: usize = 3;

/// A short word on what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// State, for the dot.
    pub tone: Tone,
    /// What happened.
    pub title: String,
    /// One sentence more, or nothing.
    pub body: String,
    /// Where to look.
    pub link: Option<String>,
}

/// The page's toasts.
#[derive(Clone, Copy)]
pub struct Toasts {
    queue: RwSignal<VecDeque<Toast>>,
    /// Those that did not fit.
    more: RwSignal<usize>,
    held: RwSignal<bool>,
    /// Kept here: a toast is often shown from a callback, where there is no context.
    announcer: Announcer,
}

impl Toasts {
    /// Puts them into context, after the announcer; `App` calls this once.
    pub fn provide() {
        provide_context(Self::new());
    }

    fn new() -> Self {
        Self {
            queue: RwSignal::new(VecDeque::new()),
            more: RwSignal::new(0),
            held: RwSignal::new(false),
            announcer: Announcer::here(),
        }
    }

    /// The page's toasts.
    #[must_use]
    pub fn here() -> Self {
        use_context().unwrap_or_else(Self::new)
    }

    /// Shows one, or lets it wait. Failures of the person's own doing are said at once.
    pub fn show(self, toast: Toast) {
        let words = format!("{} {}", toast.title, toast.body);
        if toast.tone == Tone::Bad {
            self.announcer.interrupt(words);
        } else {
            self.announcer.say(words);
        }
        if self.queue.with_untracked(VecDeque::len) > WAITING {
            self.more.update(|more| *more += 1);
        } else {
            self.queue.update(|queue| queue.push_back(toast));
        }
    }

    fn next(self) {
        self.held.set(false);
        self.queue.update(|queue| {
            queue.pop_front();
            let more = self.more.get_untracked();
            if queue.is_empty() && more > 0 {
                self.more.set(0);
                queue.push_back(Toast {
                    tone: Tone::Info,
                    title: format!("{more} more"),
                    body: "They are in your inbox.".to_owned(),
                    link: Some("/inbox".to_owned()),
                });
            }
        });
    }
}

/// Where they appear.
#[component]
pub fn ToastStage() -> impl IntoView {
    let toasts = Toasts::here();
    // Each toast has its own timer; the pointer or the focus on it stops the timer.
    Effect::new(move || {
        if toasts.held.get() || toasts.queue.read().is_empty() {
            return;
        }
        if let Some(timer) = browser::after(STAYS_MS, move || toasts.next()) {
            on_cleanup(move || timer.clear());
        }
    });
    move || {
        let toast = toasts.queue.read().front().cloned()?;
        let Toast {
            tone,
            title,
            body,
            link,
        } = toast;
        let hold = move |held: bool| toasts.held.set(held);
        Some(view! {
            <section aria-label="Notices">
            <div
                class="toast"
                on:mouseenter=move |_| hold(true)
                on:mouseleave=move |_| hold(false)
                on:focusin=move |_| hold(true)
                on:focusout=move |_| hold(false)
            >
                <Dot tone />
                <strong>{title}</strong>
                <button
                    type="button"
                    class="iconbtn small"
                    aria-label="Close"
                    on:click=move |_| toasts.next()
                >
                    <Icon glyph=Glyph::X />
                </button>
                {(!body.is_empty()).then(|| view! { <p>{body}</p> })}
                {link
                    .map(|link| {
                        view! {
                            <p class="acts">
                                <a class="link" href=link on:click=move |_| toasts.next()>
                                    "View"
                                </a>
                            </p>
                        }
                    })}
            </div>
            </section>
        })
    }
}
