//! One row of the inbox.

use leptos::form::ActionForm;
use leptos::prelude::*;

use super::server_fns::MarkItems;
use super::threads::Thread;
use crate::browser;
use crate::components::avatar::Avatar;
use crate::components::badge::{Badge, Tone};
use crate::components::fresh::fresh_class;
use crate::components::icon::{Glyph, Icon};
use crate::components::rows::Cell;
use crate::components::time::{Shape, Time};
use crate::model::inbox::{Mark, Severity};

/// Dot, initials, title, time, body, and what one can do. The actions are forms: they work without
/// script.
#[component]
pub fn ThreadRow(
    /// The row.
    cell: Cell<Thread>,
    /// Marks items.
    action: ServerAction<MarkItems>,
    /// In the popover: following the link closes it.
    compact: bool,
) -> impl IntoView {
    let row: Signal<Thread> = cell.row.into();
    let changes = cell.changes;
    let name = Memo::new(move |_| {
        let row = row.read();
        row.latest
            .actor
            .clone()
            .unwrap_or_else(|| row.latest.kind.clone())
    });
    let title = move || {
        let row = row.read();
        let text = row.latest.title.clone();
        let Some(link) = row.latest.link.clone() else {
            return view! { <span class="title">{text}</span> }.into_any();
        };
        let ids = row.ids();
        let unread = row.unread;
        let open = move |_| {
            if unread {
                action.dispatch(MarkItems {
                    ids: ids.clone(),
                    mark: Mark::Read,
                });
            }
            if compact {
                browser::close_popover("bell");
            }
        };
        view! {
            <a class="title" href=link on:click=open>
                {text}
            </a>
        }
        .into_any()
    };
    let body = move || {
        let row = row.read();
        let body = if row.latest.withdrawn {
            "No longer needs you.".to_owned()
        } else {
            row.latest.body.clone()
        };
        (!body.is_empty()).then(|| view! { <p class="body">{body}</p> })
    };
    let earlier = move || {
        let count = row.read().earlier.len();
        (count > 0).then(|| view! { <span class="faint small">{format!("{count} earlier")}</span> })
    };
    let instead = move || {
        let name = row.read().latest.on_behalf_of.clone();
        name.map(|name| view! { <span class="faint small">{format!("for {name}")}</span> })
    };
    let severity = move || {
        let (tone, word) = loud(row.read().latest.severity)?;
        Some(view! { <Badge tone=Signal::stored(tone) word=Signal::stored(word) /> })
    };
    let class = move || {
        let row = row.read();
        let unread = if row.unread { " unread" } else { "" };
        let withdrawn = if row.latest.withdrawn {
            " withdrawn"
        } else {
            ""
        };
        format!(
            "note live{unread}{withdrawn} {}",
            fresh_class(changes.get())
        )
    };
    view! {
        <article
            class=class
            id=move || (!compact).then(|| format!("n-{}", row.read().latest.id))
        >
            <Show when=move || row.read().unread>
                <i class="ud" aria-hidden="true"></i>
                <span class="vh">"Unread."</span>
            </Show>
            {move || view! { <Avatar name=name.get() /> }}
            <p class="head">{title} {severity} {instead} {earlier}</p>
            <Time at=Signal::derive(move || row.read().latest.at) shape=Shape::Ago />
            {body}
            <ActionForm action>
                <input type="hidden" name="ids" value=move || row.read().ids() />
                <div class="acts">
                    {move || {
                        let (glyph, words, value) = if row.read().unread {
                            (Glyph::MailOpen, "Mark read", "read")
                        } else {
                            (Glyph::Mail, "Mark unread", "unread")
                        };
                        view! { <RowAction glyph words value title=title_of(row) /> }
                    }}
                    {move || {
                        let (glyph, words, value) = if row.read().latest.archived {
                            (Glyph::Restore, "Move to inbox", "unarchive")
                        } else {
                            (Glyph::Archive, "Archive", "archive")
                        };
                        view! { <RowAction glyph words value title=title_of(row) /> }
                    }}
                </div>
            </ActionForm>
        </article>
    }
    .into_any()
}

/// Badge of what is louder than most.
const fn loud(severity: Severity) -> Option<(Tone, &'static str)> {
    match severity {
        Severity::Info => None,
        Severity::Warning => Some((Tone::Warn, "Warning")),
        Severity::Critical => Some((Tone::Bad, "Urgent")),
    }
}

fn title_of(row: Signal<Thread>) -> String {
    row.read_untracked().latest.title.clone()
}

#[component]
fn RowAction(
    glyph: Glyph,
    words: &'static str,
    value: &'static str,
    title: String,
) -> impl IntoView {
    view! {
        <button
            type="submit"
            class="iconbtn small"
            name="mark"
            value=value
            title=words
            aria-label=format!("{words}: {title}")
        >
            <Icon glyph />
        </button>
    }
    .into_any()
}
