//! The bell: unseen count, and a popover with the newest of the inbox. New notifications become
//! toasts here, unless the person is looking at the list anyway.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::counts::Counts;
use crate::browser;
use crate::components::badge::Tone;
use crate::components::icon::{Glyph, Icon};
use crate::components::number::capped;
use crate::components::problem::Problem;
use crate::components::skeleton::Skeleton;
use crate::components::toast::{Toast, Toasts};
use crate::features::inbox::list::InboxList;
use crate::features::inbox::server_fns::inbox;
use crate::live::Live;
use crate::model::inbox::{InboxItem, InboxTab, Severity};

const PANEL: &str = "bell";

/// Button and popover.
#[component]
pub fn Bell() -> impl IntoView {
    let counts = Counts::here();
    let path = use_location().pathname;
    // Fetched anew at each opening; the rows of the last one stand there until then.
    let page = Action::new_local(|(): &()| inbox(InboxTab::All, None));
    let open = RwSignal::new(false);
    let toasts = Toasts::here();
    Live::here().on_notification(Callback::new(move |item: InboxItem| {
        let looking = open.get_untracked() || path.get_untracked().starts_with("/inbox");
        if browser::visible() && !looking && !item.withdrawn {
            toasts.show(toast(item));
        }
    }));
    let toggled = move |_| {
        let now = browser::popover_open(PANEL);
        open.set(now);
        if now {
            page.dispatch(());
        }
    };
    let label = move || match counts.inbox.get().unseen {
        0 => "Notifications, none new".to_owned(),
        unseen => format!("Notifications, {unseen} new"),
    };
    view! {
        <button type="button" class="iconbtn" popovertarget=PANEL aria-label=label>
            <Icon glyph=Glyph::Bell />
            <Show when=move || counts.inbox.get().unseen.is_positive()>
                <span class="count" aria-hidden="true">
                    {move || capped(counts.inbox.get().unseen)}
                </span>
            </Show>
        </button>
        <section
            class="pop bell-panel"
            id=PANEL
            popover="auto"
            aria-label="Newest notifications"
            on:toggle=toggled
        >
            {move || match page.value().get() {
                Some(Ok(page)) => {
                    view! { <InboxList page tab=InboxTab::All compact=true /> }.into_any()
                }
                Some(Err(error)) => view! { <Problem error /> }.into_any(),
                None => view! { <Skeleton rows=4 /> }.into_any(),
            }}
            <p class="bell-foot">
                <a href="/inbox" on:click=move |_| browser::close_popover(PANEL)>
                    "Open inbox"
                </a>
                <a href="/inbox?tab=archive" on:click=move |_| browser::close_popover(PANEL)>
                    "Archive"
                </a>
            </p>
        </section>
    }
    .into_any()
}

fn toast(item: InboxItem) -> Toast {
    let tone = match item.severity {
        Severity::Info => Tone::Info,
        Severity::Warning => Tone::Warn,
        Severity::Critical => Tone::Bad,
    };
    Toast {
        tone,
        own: false,
        title: item.title,
        body: item.body,
        link: Some(item.link.unwrap_or_else(|| "/inbox".to_owned())),
    }
}
