//! Sessions of people at our own screens: a cookie that means nothing but a row.
//!
//! The cookie is 128 random bits, HttpOnly, SameSite=Lax, and Secure wherever we are not on
//! loopback; the row knows only its SHA-256. It ends twelve hours after the last page, at sign-out,
//! when the account is deactivated or its password changed. Roles are read anew for every request.

use std::fmt;

use app::backend::Caller;
use app::model::person::Role;
use async_trait::async_trait;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde_json::Value;
use tower_http::csrf::{ConfigError, CsrfLayer, ProtectionError};
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};
use uuid::Uuid;

use crate::api::problem::Problem;
use crate::auth::AuthState;
use crate::auth::api_key::sha256;
use crate::store::{self, sessions};

/// How long a session lives after it was last used.
const IDLE: Duration = Duration::hours(12);
/// Written down at most this often, not with every page.
const STEP: Duration = Duration::minutes(10);

/// What a session holds, and no more.
const SESSION: &str = "session";
const TENANT: &str = "tenant";
const USER: &str = "user";
/// Only in a loaded record, read from the account; never written.
const ROLES: &str = "roles";

/// tower-sessions over `bellhop.session`.
#[derive(Clone)]
pub struct Sessions(AuthState);

impl fmt::Debug for Sessions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Sessions")
    }
}

/// The layer that reads the cookie. `secure`: everywhere but on loopback.
#[must_use]
pub fn layer(auth: &AuthState, secure: bool) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(Sessions(auth.clone()))
        // A browser takes the prefix only from a secure origin and for this very host.
        .with_name(if secure { "__Host-bellhop" } else { "bellhop" })
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(secure)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(IDLE))
}

/// The layer of [`csrf`].
pub type Csrf = CsrfLayer<fn(ProtectionError) -> Response>;

/// Refuses a writing request that another site sent. Goes around everything that reads the cookie.
/// `origins`: how browsers name this site when a proxy changes the `Host` header.
pub fn csrf(origins: &[String]) -> std::result::Result<Csrf, ConfigError> {
    let refuse: fn(ProtectionError) -> Response = |_| {
        Problem::new(
            StatusCode::FORBIDDEN,
            "cross_site",
            "Another site sent this request. Open the page itself and try again.",
        )
        .into_response()
    };
    origins
        .iter()
        .try_fold(CsrfLayer::new(), |layer, origin| {
            layer.add_trusted_origin(origin)
        })
        .map(|layer| layer.with_rejection_response(refuse))
}

/// Begins a session for this user, under a new cookie; what the browser held before is ended.
pub async fn begin(
    session: &Session,
    auth: &AuthState,
    tenant: Uuid,
    user: Uuid,
) -> std::result::Result<(), Problem> {
    let begun: std::result::Result<(), tower_sessions::session::Error> = async {
        if session.id().is_some() {
            session.flush().await?;
        }
        session.insert(SESSION, auth.ids().uuid()).await?;
        session.insert(TENANT, tenant).await?;
        session.insert(USER, user).await?;
        // Now, not after the answer: a failure has to be the answer.
        session.save().await
    }
    .await;
    begun.map_err(|error| refusal(&error))
}

/// Ends the session, tells the hub, and takes the cookie away.
pub async fn end(session: &Session) -> std::result::Result<(), Problem> {
    if session.id().is_some() {
        session.flush().await.map_err(|error| refusal(&error))?;
    }
    Ok(())
}

/// Puts `Option<Caller>` into the request. Goes inside of [`layer`]:
/// `router.layer(from_fn(session::caller)).layer(session::layer(..)).layer(session::csrf(..))`.
pub async fn caller(session: Session, mut request: Request, next: Next) -> Response {
    let caller = match read(&session).await {
        Ok(caller) => caller,
        Err(problem) => return page(&request, problem),
    };
    // A session in use lives on.
    if caller.is_some() && session.expiry_date() - loaded_until(&session).await > STEP {
        session.set_expiry(Some(Expiry::OnInactivity(IDLE)));
    }
    request.extensions_mut().insert::<Option<Caller>>(caller);
    next.run(request).await
}

/// Who the session belongs to.
pub async fn read(session: &Session) -> std::result::Result<Option<Caller>, Problem> {
    if session.id().is_none() {
        return Ok(None);
    }
    let found: std::result::Result<_, tower_sessions::session::Error> = async {
        Ok((
            session.get::<Uuid>(SESSION).await?,
            session.get::<Uuid>(TENANT).await?,
            session.get::<Uuid>(USER).await?,
            session.get::<Vec<Role>>(ROLES).await?,
        ))
    }
    .await;
    let (Some(id), Some(tenant), Some(user), roles) = found.map_err(|error| refusal(&error))?
    else {
        return Ok(None);
    };
    Ok(Some(Caller {
        tenant: tenant.as_u128(),
        user: user.as_u128(),
        roles: roles.unwrap_or_default(),
        session: id.as_u128(),
    }))
}

/// When the loaded record would end; [`Session`] itself only tells when a new one would.
const UNTIL: &str = "until";

async fn loaded_until(session: &Session) -> OffsetDateTime {
    let seconds = session.get::<i64>(UNTIL).await.ok().flatten();
    seconds
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .unwrap_or_else(|| session.expiry_date())
}

/// The store's errors say only "backend": the one kind we make is the database being away.
fn refusal(error: &tower_sessions::session::Error) -> Problem {
    match error {
        tower_sessions::session::Error::Store(Error::Backend(text)) if text == AWAY => {
            Problem::unavailable()
        }
        error => Problem::internal(error),
    }
}

/// A browser that asked for a page gets one, however plain.
fn page(request: &Request, problem: Problem) -> Response {
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if !accept.is_some_and(|accept| accept.contains("text/html")) {
        return problem.into_response();
    }
    let text = format!(
        "<!doctype html><html lang=\"en\"><title>Bellhop</title><main><h1>Not now</h1><p>{}</p></main>",
        problem.detail
    );
    let mut response = (problem.status, axum::response::Html(text)).into_response();
    if let Some(seconds) = problem.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

const AWAY: &str = "the database is away";

fn failed(error: sqlx::Error) -> Error {
    if store::is_transient(&error) {
        Error::Backend(AWAY.to_owned())
    } else {
        Error::Backend(error.to_string())
    }
}

fn hash(id: &Id) -> [u8; 32] {
    sha256(&id.0.to_le_bytes())
}

fn instant(at: OffsetDateTime) -> Result<Timestamp> {
    Timestamp::from_second(at.unix_timestamp()).map_err(|error| Error::Encode(error.to_string()))
}

fn id_in(record: &Record, name: &str) -> Result<Uuid> {
    let text = record
        .data
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default();
    text.parse()
        .map_err(|_| Error::Encode(format!("a session without {name}")))
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let new = sessions::NewSession {
            id: id_in(record, SESSION)?,
            tenant: id_in(record, TENANT)?,
            user: id_in(record, USER)?,
        };
        let (now, until) = (self.0.clock().now(), instant(record.expiry_date)?);
        let mut conn = self.0.pool().acquire().await.map_err(failed)?;
        loop {
            // Always a new one: a cookie that somebody else may have planted never becomes a session.
            record.id = Id::default();
            let made = sessions::create(&mut conn, &hash(&record.id), new, now, until).await;
            if made.map_err(failed)? {
                return Ok(());
            }
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let mut conn = self.0.pool().acquire().await.map_err(failed)?;
        sessions::extend(&mut conn, &hash(&record.id), instant(record.expiry_date)?)
            .await
            .map_err(failed)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let mut conn = self.0.pool().acquire().await.map_err(failed)?;
        let now = self.0.clock().now();
        let found = sessions::by_hash(&mut conn, &hash(id), now)
            .await
            .map_err(failed)?;
        let Some(row) = found else { return Ok(None) };
        let until = row.expires_at.to_jiff().as_second();
        let expiry_date = OffsetDateTime::from_unix_timestamp(until)
            .map_err(|error| Error::Decode(error.to_string()))?;
        let roles = row
            .roles
            .iter()
            .filter_map(|word| Role::parse(word))
            .map(Role::as_str);
        let data = [
            (SESSION, row.id.to_string().into()),
            (TENANT, row.tenant_id.to_string().into()),
            (USER, row.user_id.to_string().into()),
            (ROLES, roles.collect::<Vec<_>>().into()),
            (UNTIL, until.into()),
        ];
        let data = data
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date,
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let mut conn = self.0.pool().acquire().await.map_err(failed)?;
        let ended = sessions::end(&mut conn, &hash(id)).await.map_err(failed)?;
        if let Some(session) = ended {
            self.0.session_ended(session);
        }
        Ok(())
    }
}
