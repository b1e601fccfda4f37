//! On a phone the rail has one entry for the console; its sections are tabs then.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::browser;
use crate::components::tabs::{Tab, Tabs};
use crate::features::frame::Roles;
use crate::model::person::Role;

/// The tabs; wider screens have them in the rail. Nothing for who may see none of them.
#[component]
pub fn Sections() -> impl IntoView {
    if !Roles::here().has(Role::Admin) {
        return ().into_any();
    }
    let path = use_location().pathname;
    // Eight of them are wider than a phone.
    Effect::new(move || {
        path.track();
        let _handle = browser::after(0, || {
            browser::reveal("main .tabs.only-phone [aria-current]");
        });
    });
    let at = move |place: &'static str| Signal::derive(move || path.read().as_str() == place);
    view! {
        <Tabs label="Admin sections" class="only-phone">
            <Tab href="/admin" label="Overview" current=at("/admin") />
            <Tab href="/admin/connections" label="Connections" current=at("/admin/connections") />
            <Tab href="/admin/groups" label="Groups" current=at("/admin/groups") />
            <Tab href="/admin/queued" label="Messages" current=at("/admin/queued") />
            <Tab href="/admin/undelivered" label="Undelivered" current=at("/admin/undelivered") />
            <Tab href="/admin/why" label="Why" current=at("/admin/why") />
            <Tab href="/admin/classes" label="Classes" current=at("/admin/classes") />
            <Tab href="/admin/webhooks" label="Webhooks" current=at("/admin/webhooks") />
        </Tabs>
    }
    .into_any()
}
