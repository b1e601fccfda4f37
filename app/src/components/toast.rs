//! Toasts: one at a time at the start side, bottom. Three more may wait, the rest become "5 more". What presses goes
//! before what does not, and what does not waits while somebody types: a toast stands over the fields of a form.

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
/// How many there are at most when all of them press: more become "5 more" too.
const MOST: usize = 12;

/// A short word on what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// State, for the dot. `Bad` presses.
    pub tone: Tone,
    /// It answers what the person just did.
    pub own: bool,
    /// What happened.
    pub title: String,
    /// One sentence more, or nothing.
    pub body: String,
    /// Where to look.
    pub link: Option<String>,
}

impl Toast {
    /// Neither presses nor answers what the person just did: it can wait, and be one of "5 more".
    const fn is_ordinary(&self) -> bool {
        !self.own && !matches!(self.tone, Tone::Bad)
    }
}

/// Gives a toast its place: what presses is the first, the result of one's own action the next to be seen; the others
/// come last. One that is being `read` is not pushed away. Answers how many were left out for it.
fn place(queue: &mut VecDeque<Toast>, toast: Toast, read: bool, shown: bool) -> usize {
    let at = match toast.tone {
        Tone::Bad => usize::from(read),
        _ if toast.own => usize::from(shown),
        _ if queue.len() > WAITING => return 1,
        _ => queue.len(),
    };
    queue.insert(at.min(queue.len()), toast);
    if queue.len() <= WAITING + 1 {
        return 0;
    }
    // The first is on screen and the other one new.
    let last = queue.iter().rposition(Toast::is_ordinary);
    match last.filter(|last| *last > 0) {
        Some(last) => usize::from(queue.remove(last).is_some()),
        None if queue.len() > MOST => usize::from(queue.pop_back().is_some()),
        None => 0,
    }
}

/// The page's toasts.
#[derive(Clone, Copy)]
pub struct Toasts {
    queue: RwSignal<VecDeque<Toast>>,
    /// Those that did not fit.
    more: RwSignal<usize>,
    held: RwSignal<bool>,
    /// Goes up when the one on screen makes way.
    turn: RwSignal<u32>,
    /// The focus is in a field for text.
    typing: RwSignal<bool>,
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
            turn: RwSignal::new(0),
            typing: RwSignal::new(false),
            announcer: Announcer::here(),
        }
    }

    /// The page's toasts.
    #[must_use]
    pub fn here() -> Self {
        use_context().unwrap_or_else(Self::new)
    }

    /// Shows one, or lets it wait. What presses is said at once: a failure of the person's own doing, and what is
    /// critical.
    pub fn show(self, toast: Toast) {
        let words = format!("{} {}", toast.title, toast.body);
        if toast.tone == Tone::Bad {
            self.announcer.interrupt(words);
        } else {
            self.announcer.say(words);
        }
        // A field that was taken out of the page does not say that it lost the focus.
        self.types(browser::typing());
        let (read, shown) = untrack(|| (self.held.get(), self.front().is_some()));
        let left_out = self
            .queue
            .try_update(|queue| place(queue, toast, read, shown));
        if let Some(left_out @ 1..) = left_out {
            self.more.update(|more| *more += left_out);
        }
    }

    fn types(self, now: bool) {
        if self.typing.get_untracked() != now {
            self.typing.set(now);
            // One that is put aside does not say that the pointer left it.
            self.held.set(false);
        }
    }

    /// The one on screen. Tracked.
    fn front(self) -> Option<Toast> {
        let first = self.queue.read().front().cloned()?;
        (!self.typing.get() || !first.is_ordinary()).then_some(first)
    }

    fn next(self) {
        self.held.set(false);
        self.turn.update(|turn| *turn = turn.wrapping_add(1));
        self.queue.update(|queue| {
            queue.pop_front();
            let more = self.more.get_untracked();
            if queue.is_empty() && more > 0 {
                self.more.set(0);
                queue.push_back(Toast {
                    tone: Tone::Info,
                    own: false,
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
    Effect::new(move || {
        for event in ["focusin", "focusout"] {
            let handle = window_event_listener_untyped(event, move |event| {
                toasts.types(event.type_() == "focusin" && browser::typing());
            });
            on_cleanup(move || handle.remove());
        }
    });
    let front = Memo::new(move |_| toasts.front());
    // Each toast has its own timer; the pointer or the focus on it stops the timer.
    Effect::new(move || {
        // The next one may be equal to the one before, and still has its own time. Not the queue: what comes meanwhile
        // would begin the time of the one on screen again.
        toasts.turn.track();
        if toasts.held.get() || front.read().is_none() {
            return;
        }
        if let Some(timer) = browser::after(STAYS_MS, move || toasts.next()) {
            on_cleanup(move || timer.clear());
        }
    });
    move || {
        let Toast {
            tone,
            title,
            body,
            link,
            own: _,
        } = front.get()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn toast(tone: Tone, title: &str) -> Toast {
        Toast {
            tone,
            own: title == "saved",
            title: title.to_owned(),
            body: String::new(),
            link: None,
        }
    }

    fn titles(queue: &VecDeque<Toast>) -> Vec<&str> {
        queue.iter().map(|toast| toast.title.as_str()).collect()
    }

    #[test]
    fn what_presses_is_first_and_one_s_own_result_next() {
        let mut queue = VecDeque::new();
        for title in ["1", "2", "3", "4"] {
            assert_eq!(place(&mut queue, toast(Tone::Info, title), false, true), 0);
        }
        assert_eq!(place(&mut queue, toast(Tone::Warn, "5"), false, true), 1);
        assert_eq!(titles(&queue), ["1", "2", "3", "4"]);
        assert_eq!(
            place(&mut queue, toast(Tone::Rest, "saved"), false, true),
            1
        );
        assert_eq!(titles(&queue), ["1", "saved", "2", "3"]);
        assert_eq!(place(&mut queue, toast(Tone::Bad, "fire"), false, true), 1);
        assert_eq!(titles(&queue), ["fire", "1", "saved", "2"]);
    }

    #[test]
    fn what_is_being_read_stays() {
        let mut queue = VecDeque::from([toast(Tone::Info, "read")]);
        place(&mut queue, toast(Tone::Bad, "fire"), true, true);
        assert_eq!(titles(&queue), ["read", "fire"]);
    }

    #[test]
    fn a_result_is_seen_while_the_others_wait_for_the_typing_to_end() {
        let mut queue = VecDeque::from([toast(Tone::Info, "news")]);
        place(&mut queue, toast(Tone::Rest, "saved"), false, false);
        assert_eq!(titles(&queue), ["saved", "news"]);
    }

    #[test]
    fn there_is_an_end_to_what_presses() {
        let mut queue = VecDeque::new();
        let mut left_out = 0;
        for number in 0..20 {
            let one = toast(Tone::Bad, &number.to_string());
            left_out += place(&mut queue, one, false, true);
        }
        assert_eq!((queue.len(), left_out), (MOST, 8));
        assert_eq!(queue[0].title, "19");
    }
}
