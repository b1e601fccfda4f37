//! The control, for the account menu, and the way out through it.

use leptos::prelude::*;
use leptos::web_sys;
#[cfg(feature = "hydrate")]
use leptos_router::hooks::use_navigate;

use super::state::DevicePush;
use crate::components::icon::{Glyph, Icon};
use crate::model::person::Me;

/// Where it stands, shared by control and sign-out.
#[derive(Clone, Copy)]
pub struct DevicePushState(RwSignal<DevicePush>);

impl DevicePushState {
    /// Looks, once the page is alive; listens for clicks on cards.
    pub fn provide(me: &Me) -> Self {
        let state = Self(RwSignal::new(DevicePush::Unknown));
        #[cfg(feature = "hydrate")]
        state.begin(me);
        #[cfg(not(feature = "hydrate"))]
        let _ = me;
        state
    }

    #[cfg(feature = "hydrate")]
    fn begin(self, me: &Me) {
        let (scope, key) = (me.scope(), me.site.push_key.clone());
        let navigate = use_navigate();
        let unseen = crate::features::frame::counts::Counts::here().inbox;
        Effect::new(move |_| super::page::show_badge(unseen.get().unseen));
        Effect::new(move |begun: Option<()>| {
            if begun.is_some() {
                return;
            }
            let navigate = navigate.clone();
            super::page::on_open(move |path| {
                navigate(&path, leptos_router::NavigateOptions::default());
            });
            let (scope, key) = (scope.clone(), key.clone());
            leptos::task::spawn_local(async move {
                let found = super::browser::look(scope, key).await;
                let _ = self.0.try_set(found);
            });
        });
    }

    fn turn(self, me: &Me, on: bool) {
        self.0.set(DevicePush::Turning { on });
        #[cfg(feature = "hydrate")]
        {
            let wish = super::browser::Wish {
                scope: me.scope(),
                key: me.site.push_key.clone().unwrap_or_default(),
            };
            leptos::task::spawn_local(async move {
                let done = if on {
                    super::browser::turn_on(wish).await
                } else {
                    super::browser::turn_off().await
                };
                let _ = self.0.try_set(done);
            });
        }
        #[cfg(not(feature = "hydrate"))]
        let _ = me;
    }

    /// Signs out: a browser that is pushed to leaves first, so that nothing of this person is shown to the next.
    pub fn sign_out(self, event: &web_sys::SubmitEvent) {
        if matches!(
            self.0.get_untracked(),
            DevicePush::On | DevicePush::Turning { .. }
        ) {
            event.prevent_default();
            self.0.set(DevicePush::Turning { on: false });
            #[cfg(feature = "hydrate")]
            {
                let form = event.target();
                leptos::task::spawn_local(async move {
                    super::browser::turn_off().await;
                    super::page::submit(form);
                });
            }
        }
    }
}

/// Title, state, what it means, and the button. Hidden until the page is alive.
#[component]
pub fn DevicePushControl(
    /// Who is signed in.
    me: Me,
    /// Where it stands.
    state: DevicePushState,
) -> impl IntoView {
    let words = Memo::new(move |_| state.0.read().words());
    let is = move |wanted: &DevicePush| *state.0.read() == *wanted;
    let glyph = move || {
        let glyph = match *state.0.read() {
            DevicePush::On => Glyph::Bell,
            DevicePush::Blocked => Glyph::Lock,
            DevicePush::Failed(_) => Glyph::Alert,
            _ => Glyph::BellOff,
        };
        view! { <Icon glyph /> }
    };
    let press = move |_| {
        let on = !is(&DevicePush::On);
        state.turn(&me, on);
    };
    view! {
        <section
            class="device-push"
            aria-label="Notifications on this device"
            hidden=move || words.read().is_none()
        >
            <p class="device-push-title">
                {glyph} "Notifications on this device"
            </p>
            <p class="device-push-text" role="status">
                <strong class:on=move || is(&DevicePush::On)>
                    {move || words.get().map(|words| words.state)}
                </strong>
                " "
                {move || words.get().map(|words| words.text)}
            </p>
            <Show when=move || words.get().is_some_and(|words| words.button.is_some())>
                <button type="button" class="btn full" on:click=press.clone()>
                    {move || words.get().and_then(|words| words.button)}
                </button>
            </Show>
        </section>
    }
    .into_any()
}
