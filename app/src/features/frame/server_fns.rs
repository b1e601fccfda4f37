//! What the frame of every page asks.
#![cfg_attr(
    feature = "ssr",
    expect(clippy::unused_async, reason = "server functions are async")
)]

use leptos::prelude::*;

use super::theme::Theme;
use crate::error::AppError;
use crate::model::badges::Badges;
use crate::model::person::{HubToken, Me};
use crate::wire::Json;

/// Who is signed in, and their numbers.
#[server(endpoint = "frame", output = Json)]
pub async fn frame() -> Result<(Me, Badges), AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    let me = crate::answer::call(backend.me(&caller).await)?;
    Ok((me, crate::answer::call(backend.badges(&caller).await)?))
}

/// The numbers alone.
#[server(endpoint = "badges", output = Json)]
pub async fn load_badges() -> Result<Badges, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.badges(&caller).await)
}

/// Keeps the theme in a cookie for a year; needs nobody signed in.
#[server(endpoint = "theme", output = Json)]
pub async fn set_theme(theme: Theme) -> Result<Theme, AppError> {
    use http::{HeaderValue, header};
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        let cookie = format!(
            "theme={}; Path=/; Max-Age=31536000; SameSite=Lax",
            theme.as_str()
        );
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.append_header(header::SET_COOKIE, cookie);
        }
    }
    Ok(theme)
}

/// A token for the page's hub connection, for five minutes, bound to the session.
#[server(endpoint = "hub_token", output = Json)]
pub async fn fetch_hub_token() -> Result<HubToken, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.hub_token(&caller).await)
}
