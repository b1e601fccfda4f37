//! `/authorizedhub`: who has a token of this host, in `Authorization` or `access_token`.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use axum::{
    extract::{Query, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header::AUTHORIZATION};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use signalr::{Identity, Methods};

/// A token is good for this long.
const LIFETIME: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(crate) struct Login {
    sign: EncodingKey,
    check: DecodingKey,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    #[serde(rename = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier")]
    name: String,
    iss: String,
    aud: String,
    exp: u64,
}

/// The name that the token gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User(String);

impl Identity for User {
    fn is_same(&self, later: &Self) -> bool {
        self == later
    }

    fn user_key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.0).into())
    }
}

pub(crate) fn hub() -> Methods<User> {
    Methods::new().on("Echo", |text: String| async move { text })
}

impl Login {
    /// With a key of its own for each run.
    pub(crate) fn new() -> Self {
        let mut key = [0; 32];
        SystemRandom::new()
            .fill(&mut key)
            .expect("the operating system's randomness does not fail");
        Self {
            sign: EncodingKey::from_secret(&key),
            check: DecodingKey::from_secret(&key),
        }
    }

    fn token(&self) -> Option<String> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the host of real clients has real time"
        )]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let claims = Claims {
            name: "testuser".to_owned(),
            iss: "SignalRTestServer".to_owned(),
            aud: "SignalRTests".to_owned(),
            exp: (now + LIFETIME).as_secs(),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.sign).ok()
    }

    fn user(&self, token: &str) -> Option<User> {
        let mut validation = Validation::new(Algorithm::HS256);
        // As upstream: a client may open its second request some minutes after its first.
        validation.leeway = 300;
        validation.validate_aud = false;
        let token = decode::<Claims>(token, &self.check, &validation).ok()?;
        Some(User(token.claims.name))
    }
}

#[derive(Deserialize)]
pub(crate) struct Credentials {
    access_token: Option<String>,
}

pub(crate) async fn token(State(login): State<Login>) -> Result<String, StatusCode> {
    login.token().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(crate) async fn require(
    State(login): State<Login>,
    Query(query): Query<Credentials>,
    mut request: Request,
    next: Next,
) -> Response {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let bearer = header.map(|header| match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim().to_owned(),
        _ => header.to_owned(),
    });
    let token = bearer.or(query.access_token).unwrap_or_default();
    match login.user(&token) {
        Some(user) => {
            request.extensions_mut().insert(user);
            next.run(request).await
        }
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}
