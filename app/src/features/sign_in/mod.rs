//! Sign-in: plain forms, `POST /sign-in` with `login`, `password`, `next`. Works without script;
//! the server answers a refusal with `?error=wrong|locked|expired&login=`.

pub mod demo;
pub mod server_fns;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::components::button::{Look, Submit};
use crate::components::field::Field;
use crate::components::mark::Mark;
use crate::features::frame::theme::ThemeButton;
use demo::DemoLogins;

/// Address of the page: where to go afterwards, and why one is here.
#[must_use]
pub fn address(next: Option<&str>, error: Option<&str>) -> String {
    let mut query = Vec::new();
    if let Some(next) = next {
        query.push(format!("next={}", escape(next)));
    }
    if let Some(error) = error {
        query.push(format!("error={error}"));
    }
    if query.is_empty() {
        "/sign-in".to_owned()
    } else {
        format!("/sign-in?{}", query.join("&"))
    }
}

/// Percent-encodes all that is not plain, so that an address fits into a query.
#[must_use]
pub fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// A path on this site to go to afterwards; anything else leads to the start page.
fn safe_next(next: Option<String>) -> String {
    next.filter(|next| next.starts_with('/') && !next.starts_with("//") && !next.contains('\\'))
        .unwrap_or_else(|| "/".to_owned())
}

/// Name and password; beside it the demo logins, when there are any.
#[component]
pub fn SignInPage() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let next = safe_next(query.get("next"));
    let login = query.get("login").unwrap_or_default();
    let error = query.get("error");
    let wrong = (error.as_deref() == Some("wrong")).then(|| "Wrong name or password.".to_owned());
    let notice = match error.as_deref() {
        Some("locked") => Some("Too many tries. Wait a minute, then try again."),
        Some("expired") => {
            Some("Your session ended. Sign in again; you come back to where you were.")
        }
        _ => None,
    };
    let known = !login.is_empty();

    view! {
        <Title text="Sign in" />
        <div class="sign">
            <header>
                <Mark />
                <ThemeButton />
            </header>
            <main id="main" class="sign-main" tabindex="-1">
                <form class="col" method="post" action="/sign-in">
                    <div>
                        <h1>"Sign in"</h1>
                        <p class="muted">"With your name and password."</p>
                    </div>
                    {notice
                        .map(|notice| {
                            view! {
                                <p class="strip warn" role="alert">
                                    <i class="dot" aria-hidden="true"></i>
                                    <span>{notice}</span>
                                </p>
                            }
                        })}
                    <input type="hidden" name="next" value=next.clone() />
                    <Field
                        name="login"
                        label="Name or e-mail"
                        autocomplete="username"
                        value=login
                        focus=!known
                    />
                    <Field
                        name="password"
                        label="Password"
                        kind="password"
                        autocomplete="current-password"
                        error=wrong
                        focus=known
                    />
                    <Submit label="Sign in" doing="Signing in" pending=false look=Look::Primary />
                </form>
                <DemoLogins next />
            </main>
            <footer>
                <span>{concat!("bellhop ", env!("CARGO_PKG_VERSION"))}</span>
            </footer>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_site_follows_a_sign_in() {
        let next = |text: &str| safe_next(Some(text.to_owned()));
        assert_eq!(next("/approvals?tab=mine"), "/approvals?tab=mine");
        assert_eq!(next("//evil.example"), "/");
        assert_eq!(next("/\\evil.example"), "/");
        assert_eq!(next("https://evil.example"), "/");
        assert_eq!(safe_next(None), "/");
    }

    #[test]
    fn addresses_survive_the_query() {
        assert_eq!(
            address(Some("/approvals?tab=mine&x=ü"), Some("expired")),
            "/sign-in?next=/approvals%3Ftab%3Dmine%26x%3D%C3%BC&error=expired"
        );
        assert_eq!(address(None, None), "/sign-in");
    }
}
