//! A host's check of tokens, the same before the hub and before its twin: HS256 with an end, an
//! issuer and an audience, by `jsonwebtoken`, in a middleware.

use std::sync::LazyLock;

use anyhow::Result;
use axum::extract::Request;
use axum::http::{StatusCode, header::AUTHORIZATION};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::app::User;

const SECRET: &[u8] = b"only for measuring, and as long as it should be";

static KEY: LazyLock<(DecodingKey, Validation)> = LazyLock::new(|| {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&["bench"]);
    validation.set_issuer(&["bench"]);
    (DecodingKey::from_secret(SECRET), validation)
});

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    iss: String,
    aud: String,
    exp: u64,
}

/// A token for this user.
pub(crate) fn token(user: &str) -> Result<String> {
    let claims = Claims {
        sub: user.to_owned(),
        iss: "bench".to_owned(),
        aud: "bench".to_owned(),
        exp: 4_000_000_000,
    };
    let key = EncodingKey::from_secret(SECRET);
    Ok(encode(&Header::default(), &claims, &key)?)
}

pub(crate) async fn check(mut request: Request, next: Next) -> Response {
    let (key, validation) = &*KEY;
    let header = request.headers().get(AUTHORIZATION);
    let token = header.and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "));
    let checked = token.and_then(|token| decode::<Claims>(token, key, validation).ok());
    let Some(checked) = checked else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    request
        .extensions_mut()
        .insert(User(checked.claims.sub.into()));
    next.run(request).await
}
