//! Light, dark, or as the system has it: a cookie, decided on the server.

use leptos::form::ActionForm;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::server_fns::SetTheme;
use crate::browser;
use crate::components::icon::{Glyph, Icon};

/// What the person chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
    /// As the system has it.
    #[default]
    System,
}

impl Theme {
    /// All, in the order of the menu.
    pub const ALL: [Self; 3] = [Self::Light, Self::Dark, Self::System];

    /// The word of the cookie and of `data-theme`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::System => "system",
        }
    }

    const fn glyph(self) -> Glyph {
        match self {
            Self::Light => Glyph::Sun,
            Self::Dark => Glyph::Moon,
            Self::System => Glyph::Monitor,
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
            Self::System => Self::Light,
        }
    }

    /// Reads a `Cookie` header.
    #[must_use]
    pub fn of_cookies(cookies: &str) -> Self {
        let chosen = cookies
            .split(';')
            .find_map(|pair| pair.trim().strip_prefix("theme="));
        Self::ALL
            .into_iter()
            .find(|theme| chosen == Some(theme.as_str()))
            .unwrap_or_default()
    }
}

/// The theme of the request that is being answered.
#[must_use]
pub fn of_request() -> Theme {
    #[cfg(feature = "ssr")]
    {
        use_context::<http::request::Parts>()
            .and_then(|parts| {
                let cookies = parts.headers.get(http::header::COOKIE)?;
                Some(Theme::of_cookies(cookies.to_str().ok()?))
            })
            .unwrap_or_default()
    }
    #[cfg(not(feature = "ssr"))]
    Theme::default()
}

/// The theme as it stands, and the action that changes it.
fn use_theme() -> (Signal<Theme>, ServerAction<SetTheme>) {
    let set = ServerAction::<SetTheme>::new();
    let first = SharedValue::new(of_request).into_inner();
    let current = Signal::derive(move || match set.input().get() {
        Some(chosen) => chosen.theme,
        None => match set.value().get() {
            Some(Ok(theme)) => theme,
            _ => first,
        },
    });
    let shown = RwSignal::new(first);
    Effect::watch(
        move || current.get(),
        move |theme, _, _| {
            if set.version().get_untracked() > 0 || set.pending().get_untracked() {
                shown.set(*theme);
                browser::mark_root("data-theme", theme.as_str());
            }
        },
        false,
    );
    (shown.into(), set)
}

/// Three choices in a row, for the account menu.
#[component]
pub fn ThemeChoice() -> impl IntoView {
    let (theme, set) = use_theme();
    view! {
        <ActionForm action=set>
            <fieldset class="seg">
                <legend class="vh">"Theme"</legend>
                {Theme::ALL
                    .map(|choice| {
                        view! {
                            <button
                                type="submit"
                                name="theme"
                                value=choice.as_str()
                                aria-pressed=move || {
                                    if theme.get() == choice { "true" } else { "false" }
                                }
                            >
                                <Icon glyph=choice.glyph() />
                                {choice.as_str()}
                            </button>
                        }
                    })
                    .collect_view()}
            </fieldset>
        </ActionForm>
    }
    .into_any()
}

/// One button that goes through the three, for the sign-in page.
#[component]
pub fn ThemeButton() -> impl IntoView {
    let (theme, set) = use_theme();
    view! {
        <ActionForm action=set>
            <button
                type="submit"
                class="btn quiet"
                name="theme"
                value=move || theme.get().next().as_str()
            >
                {move || view! { <Icon glyph=theme.get().glyph() /> }}
                "Theme: "
                {move || theme.get().as_str()}
            </button>
        </ActionForm>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_decides() {
        assert_eq!(Theme::of_cookies("a=b; theme=dark; c=d"), Theme::Dark);
        assert_eq!(Theme::of_cookies("theme=light"), Theme::Light);
        assert_eq!(Theme::of_cookies("theme=purple"), Theme::System);
        assert_eq!(Theme::of_cookies("mytheme=dark"), Theme::System);
    }
}
