//! The bar: title, connection, bell, account.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use super::account::Account;
use super::bell::Bell;
use super::places;
use crate::components::connection_pill::ConnectionPill;
use crate::components::icon::{Glyph, Icon};
use crate::components::mark::Mark;
use crate::model::person::Me;

/// The bar.
#[component]
pub fn TopBar(
    /// Who is signed in.
    me: Me,
) -> impl IntoView {
    let path = use_location().pathname;
    let title = Memo::new(move |_| places::title(&path.get()));
    let one_request = move || path.get().starts_with("/approvals/");
    view! {
        <Title text=move || title.get().1.to_owned() />
        <header class="hd">
            <Mark />
            <div class="top">
                <Show when=one_request>
                    <a class="iconbtn back" href="/approvals" aria-label="Back to approvals">
                        <Icon glyph=Glyph::ChevronLeft />
                    </a>
                </Show>
                <h1>
                    {move || {
                        title
                            .get()
                            .0
                            .map(|section| {
                                view! {
                                    <span class="crumb hide-phone">{section}</span>
                                    <span class="crumb hide-phone" aria-hidden="true">
                                        "/"
                                    </span>
                                }
                            })
                    }} <span class="cut" class:hide-phone=one_request>
                        {move || title.get().1}
                    </span>
                    <Show when=one_request>
                        <span class="only-phone">"Request"</span>
                    </Show>
                </h1>
                <ConnectionPill />
                <Bell />
                <Account me />
            </div>
        </header>
    }
    .into_any()
}
