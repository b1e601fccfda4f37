//! The account menu: who, where, the theme, and the way out. A `popover`, so it opens without our
//! code too.

use leptos::prelude::*;

use super::theme::ThemeChoice;
use crate::components::avatar::Avatar;
use crate::components::icon::{Glyph, Icon};
use crate::features::device_push::control::{DevicePushControl, DevicePushState};
use crate::model::person::Me;

/// Button and menu.
#[component]
pub fn Account(
    /// Who is signed in.
    me: Me,
) -> impl IntoView {
    let push = DevicePushState::provide(&me);
    let name = me.person.name.clone();
    let roles = me
        .roles
        .iter()
        .map(|role| role.label())
        .collect::<Vec<_>>()
        .join(", ");
    view! {
        <button
            type="button"
            class="account"
            popovertarget="account"
            aria-label=format!("{}, account", name.clone())
        >
            <Avatar name=name.clone() />
            <Icon glyph=Glyph::ChevronDown />
        </button>
        <div class="pop account-menu" id="account" popover="auto">
            <p class="account-who">
                <Avatar name=name.clone() large=true />
                <span class="who-text">
                    <strong>
                        {name.clone()}
                    </strong>
                    <small>{me.tenant_name.clone()} " · " {roles}</small>
                </span>
            </p>
            <ThemeChoice />
            <DevicePushControl me state=push />
            <form
                method="post"
                action="/sign-out"
                on:submit=move |event| push.sign_out(&event)
            >
                <button type="submit" class="btn full">
                    <Icon glyph=Glyph::LogOut />
                    "Sign out"
                </button>
            </form>
        </div>
    }
    .into_any()
}
