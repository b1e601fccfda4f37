//! The first start: a one-time link, printed where only the operator sees it, makes the first
//! tenant, its service `workplace` and its admin. Good for thirty minutes, for one use, and only
//! as long as nobody can sign in as an admin.

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tower_sessions::Session;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use super::session;
use super::sign_in::{SignIn, fits, spelled};
use crate::api::problem::Problem;
use crate::auth::api_key::sha256;
use crate::auth::password;
use crate::store::Pool;
use crate::store::identity::{self, members, services, tenants, users};
use crate::support::clock::Clock;
use crate::support::ids::Ids;

const MINUTES: i64 = 30;
/// Key of the service our own screens publish through.
pub const WORKPLACE: &str = "workplace";

/// Makes the link's path when it is needed, `/setup?token=…`; an earlier link is void then.
/// Nothing else ever knows the token: it is stored as SHA-256.
pub async fn ensure_setup_link(
    pool: &Pool,
    clock: &Clock,
    ids: &Ids,
) -> sqlx::Result<Option<String>> {
    let mut tx = pool.begin().await?;
    if tenants::has_admin(&mut tx).await? {
        return Ok(None);
    }
    let secret = ids.bytes::<32>();
    let until = clock.now() + SignedDuration::from_mins(MINUTES);
    tenants::replace_setup_link(&mut tx, &sha256(&secret), until).await?;
    tx.commit().await?;
    Ok(Some(format!(
        "/setup?token={}",
        URL_SAFE_NO_PAD.encode(secret)
    )))
}

/// The page's form.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    token: SecretString,
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: SecretString,
}

/// Why nothing was made; the page has a sentence for each.
#[derive(Clone, Copy)]
enum Refusal {
    Expired,
    Weak,
    Taken,
    Invalid,
}

pub(super) async fn submit(
    State(state): State<SignIn>,
    Extension(session): Extension<Session>,
    form: Result<Form<Typed>, FormRejection>,
) -> Result<Response, Problem> {
    let Ok(Form(typed)) = form else {
        return Ok(back(Refusal::Invalid, ""));
    };
    let token = typed.token.expose_secret().to_owned();
    match set_up(&state, typed).await? {
        Ok((tenant, user)) => {
            session::begin(&session, &state.auth, tenant, user).await?;
            Ok(Redirect::to("/").into_response())
        }
        Err(refusal) => Ok(back(refusal, &token)),
    }
}

async fn set_up(state: &SignIn, typed: Typed) -> Result<Result<(Uuid, Uuid), Refusal>, Problem> {
    let (clock, ids) = (state.auth.clock(), state.auth.ids());
    let Ok(secret) = URL_SAFE_NO_PAD.decode(typed.token.expose_secret()) else {
        return Ok(Err(Refusal::Expired));
    };
    let link = sha256(&secret);
    // Before the slow hash: only who holds the link makes us work.
    let mut conn = state.auth.pool().acquire().await?;
    if !tenants::setup_link_is_good(&mut conn, &link, clock.now()).await? {
        return Ok(Err(Refusal::Expired));
    }
    drop(conn);
    let login = typed.login.trim().to_lowercase();
    let (organisation, name) = (typed.tenant.trim(), typed.name.trim());
    let key = key_of(organisation);
    let shown =
        |text: &str| (1..=200).contains(&text.chars().count()) && !text.contains(char::is_control);
    if key.is_empty() || !shown(organisation) || !shown(name) || !fits(&login) {
        return Ok(Err(Refusal::Invalid));
    }
    let length = typed.password.expose_secret().chars().count();
    if length < password::SHORTEST || typed.password.expose_secret().len() > password::LONGEST {
        return Ok(Err(Refusal::Weak));
    }
    let hash = state.auth.passwords().hash(typed.password).await;
    let hash = hash.map_err(|error| Problem::internal(&error))?;

    let now = clock.now();
    let mut tx = state.auth.pool().begin().await?;
    if tenants::has_admin(&mut tx).await? || !tenants::use_setup_link(&mut tx, &link, now).await? {
        return Ok(Err(Refusal::Expired));
    }
    let (tenant, service) = (ids.uuid(), ids.uuid());
    if !tenants::create(&mut tx, tenant, &key, organisation, now).await? {
        return Ok(Err(Refusal::Taken));
    }
    services::put(
        &mut tx,
        tenant,
        service,
        WORKPLACE,
        "Workplace",
        services::Settings::default(),
        now,
    )
    .await?;
    let roles = ["employee", "admin"].map(str::to_owned);
    let new = users::NewUser {
        id: ids.uuid(),
        tenant,
        key: &login,
        name,
        roles: &roles,
    };
    users::create(&mut tx, &new, now).await?;
    members::join_services(&mut tx, tenant, new.id, &[service]).await?;
    let stored = users::StoredUser {
        id: new.id,
        name: name.to_owned(),
        login: Some(login.clone()),
        password_hash: Some(hash),
        roles: roles.to_vec(),
        deputy_id: None,
        manager_id: None,
        site_id: None,
        active: true,
    };
    match users::update(&mut tx, tenant, &stored, now).await {
        Err(error) if identity::violated(&error) == Some(identity::LOGIN_TAKEN) => {
            return Ok(Err(Refusal::Taken));
        }
        done => done?,
    }
    tx.commit().await?;
    tracing::info!(tenant = key, "set up: tenant and first admin made");
    Ok(Ok((tenant, new.id)))
}

/// `Acme & Söhne` becomes `acme-söhne`.
fn key_of(name: &str) -> String {
    let mut key = String::new();
    for word in name
        .to_lowercase()
        .split(|letter: char| !letter.is_alphanumeric())
    {
        if !word.is_empty() && key.len() + word.len() < 64 {
            if !key.is_empty() {
                key.push('-');
            }
            key.push_str(word);
        }
    }
    key
}

fn back(refusal: Refusal, token: &str) -> Response {
    let error = match refusal {
        Refusal::Expired => "expired",
        Refusal::Weak => "weak",
        Refusal::Taken => "taken",
        Refusal::Invalid => "invalid",
    };
    let mut query = Serializer::new(String::new());
    query.append_pair("error", error);
    if !matches!(refusal, Refusal::Expired) {
        query.append_pair("token", token);
    }
    Redirect::to(&format!("/setup?{}", spelled(query))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_gets_a_key_to_type() {
        assert_eq!(key_of("Acme & Söhne  GmbH."), "acme-söhne-gmbh");
        assert_eq!(key_of("日本"), "日本");
        assert_eq!(key_of("!!"), "");
    }
}
