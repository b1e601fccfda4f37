//! The rail: 232 px, icons below 1100 px, tabs at the bottom below 640 px. It shows only what the
//! roles allow.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::counts::Counts;
use super::places::{ADMIN, APPROVALS, ATTENDANCE, INBOX, Place, is_at};
use crate::components::icon::{Glyph, Icon};
use crate::components::number::{capped, grouped};
use crate::model::person::{Me, Role};

/// The rail.
#[component]
pub fn Rail(
    /// Who is signed in.
    me: Me,
) -> impl IntoView {
    let counts = Counts::here();
    let path = use_location().pathname;
    let (hr, admin) = (me.is(Role::Hr), me.is(Role::Admin));
    let unread = Signal::derive(move || Some(counts.inbox.get().unread));
    let waiting = Signal::derive(move || Some(counts.approvals.get().waiting));
    view! {
        <nav class="rail" aria-label="Main">
            <ul>
                <RailLink place=INBOX count=unread mine=true />
                <RailLink place=APPROVALS count=waiting mine=true />
                {hr.then(|| view! { <RailLink place=ATTENDANCE count=counts.present /> })}
                {admin
                    .then(|| {
                        view! {
                            <li class="only-phone">
                                <a
                                    href="/admin"
                                    aria-current=move || {
                                        path.get().starts_with("/admin").then_some("true")
                                    }
                                >
                                    <Icon glyph=Glyph::Sliders />
                                    <span class="t">"Admin"</span>
                                </a>
                            </li>
                        }
                    })}
            </ul>
            {admin
                .then(|| {
                    view! {
                        <h2 id="rail-admin">"Admin"</h2>
                        <ul class="sub" aria-labelledby="rail-admin">
                            {ADMIN.map(|place| view! { <RailLink place /> }).collect_view()}
                        </ul>
                    }
                })}
            <div class="foot">
                <p>{me.tenant_name}</p>
                {me
                    .site
                    .phones
                    .map(|phones| {
                        view! {
                            <a href=phones rel="external" target="_blank">
                                "Demo phones"
                            </a>
                        }
                    })}
            </div>
        </nav>
    }
    .into_any()
}

#[component]
fn RailLink(
    place: Place,
    #[prop(optional, into)] count: Signal<Option<i64>>,
    /// The number asks something of the person.
    #[prop(optional)]
    mine: bool,
) -> impl IntoView {
    let path = use_location().pathname;
    let number = move || {
        let count = count.get().filter(|count| *count > 0)?;
        let (class, text) = if mine {
            ("n new", capped(count))
        } else {
            ("n plain", grouped(count))
        };
        Some(view! { <span class=class>{text}</span> })
    };
    view! {
        <li>
            <a
                href=place.path
                title=place.word
                aria-current=move || is_at(place, &path.get()).then_some("page")
            >
                <Icon glyph=place.glyph />
                <span class="t">{place.word}</span>
                {number}
            </a>
        </li>
    }
    .into_any()
}
