//! `POST /sign-in` and `POST /sign-out`: plain forms, answered by 303, so they work without script.
//!
//! A wrong name and a wrong password answer alike and take alike long; every try is counted.

use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Extension, Form, RequestExt, Router};
use secrecy::SecretString;
use serde::Deserialize;
use tower_sessions::Session;
use url::form_urlencoded::Serializer;

use super::session;
use super::setup;
use crate::api::problem::Problem;
use crate::auth::AuthState;
use crate::auth::limiter::LoginLimiter;
use crate::store::identity::users;
use crate::support::address::TrustedProxies;

/// What signing in needs. Cheap to clone.
#[derive(Clone)]
pub struct SignIn {
    pub auth: AuthState,
    pub limiter: LoginLimiter,
    pub proxies: TrustedProxies,
}

/// The forms' targets; the pages themselves are Leptos's. Goes inside of [`session::layer`].
pub fn routes(state: SignIn) -> Router {
    Router::new()
        .route("/sign-in", post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/setup", post(setup::submit))
        .layer(DefaultBodyLimit::max(16 * 1024))
        .with_state(state)
}

#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: SecretString,
    #[serde(default)]
    next: String,
}

async fn sign_in(
    State(state): State<SignIn>,
    Extension(session): Extension<Session>,
    request: Request,
) -> Result<Response, Problem> {
    let address = state
        .proxies
        .client_of(request.extensions(), request.headers());
    let form: Result<Form<Typed>, FormRejection> = request.extract().await;
    let Ok(Form(typed)) = form else {
        return Ok(back("wrong", "", ""));
    };
    let login = typed.login.trim().to_lowercase();
    let next = same_site(&typed.next);

    if !state.limiter.try_once(&login, address) {
        tracing::warn!(?address, "too many tries to sign in");
        return Ok(back("locked", &login, next));
    }
    let known = if fits(&login) {
        users::by_login(&mut *state.auth.pool().acquire().await?, &login).await?
    } else {
        None
    };
    let hash = known.as_ref().and_then(|known| known.password_hash.clone());
    let right = state.auth.passwords().verify(typed.password, hash).await;
    let right = right.map_err(|error| Problem::internal(&error))?;
    let Some(user) = known.filter(|_| right) else {
        tracing::info!(?address, "wrong name or password");
        return Ok(back("wrong", &login, next));
    };
    session::begin(&session, &state.auth, user.tenant_id, user.id).await?;
    Ok(Redirect::to(next).into_response())
}

async fn sign_out(Extension(session): Extension<Session>) -> Result<Redirect, Problem> {
    session::end(&session).await?;
    Ok(Redirect::to("/sign-in"))
}

/// Can this be a login at all? (Postgres takes no NUL; nobody's name is a page long.)
pub(super) fn fits(login: &str) -> bool {
    (1..=128).contains(&login.len()) && !login.contains(char::is_control)
}

fn back(error: &str, login: &str, next: &str) -> Response {
    let mut query = Serializer::new(String::new());
    query.append_pair("error", error);
    if fits(login) {
        query.append_pair("login", login);
    }
    if next != "/" {
        query.append_pair("next", next);
    }
    Redirect::to(&format!("/sign-in?{}", spelled(query))).into_response()
}

/// A blank as %20, which every reader of addresses understands alike.
pub(super) fn spelled(mut query: Serializer<'_, String>) -> String {
    query.finish().replace('+', "%20")
}

/// A path on this site, or the start page. Browsers read `\` as `/` and skip tabs and newlines,
/// so `/\evil` and `/<tab>/evil` are other sites.
fn same_site(next: &str) -> &str {
    let safe = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= 2048
        && next.is_ascii()
        && !next.contains(|letter: char| letter == '\\' || letter.is_ascii_control());
    if safe && !next.starts_with("/sign-") {
        next
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_site_follows() {
        assert_eq!(same_site("/approvals?tab=mine#x"), "/approvals?tab=mine#x");
        for evil in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x=y",
            "javascript:alert(1)",
            "/sign-out",
            "/ü",
            "evil",
        ] {
            assert_eq!(same_site(evil), "/", "{evil}");
        }
    }
}
