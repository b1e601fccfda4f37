//! `POST /token`: an assertion for an access token, as strict as Google's.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::{Extension, Form, State as From_};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::json;

use super::super::account::EMAIL;
use super::super::listen::Wire;
use super::super::state::State;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPES: [&str; 2] = [
    "https://www.googleapis.com/auth/firebase.messaging",
    "https://www.googleapis.com/auth/cloud-platform",
];
/// Google takes padded parts as well; they are counted.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// Seconds that `iat` may be off.
const SKEW: i64 = 300;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    assertion: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    scope: String,
    aud: String,
    iat: i64,
    exp: i64,
}

pub(super) async fn token(
    From_(state): From_<Arc<State>>,
    wire: Option<Extension<Wire>>,
    Form(asked): Form<Asked>,
) -> Response {
    let wire = wire.map(|Extension(wire)| wire).unwrap_or_default();
    let step = state
        .held
        .lock()
        .token_script
        .pop_front()
        .unwrap_or_default();
    let now = state.now();
    let mut response = match step.before().await {
        Some(response) => response,
        None => match judge(&state, &asked, now) {
            Ok(()) => grant(&state, now),
            Err((error, why)) => {
                let body = json!({"error": error, "error_description": why});
                (StatusCode::BAD_REQUEST, Json(body)).into_response()
            }
        },
    };
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(header::DATE, date);
    }
    step.after(&wire, response).await
}

fn grant(state: &State, now: Timestamp) -> Response {
    state.counters.tokens.fetch_add(1, Ordering::Relaxed);
    let token = format!("ya29.{}", URL_SAFE_NO_PAD.encode(state.ids.bytes::<24>()));
    let mut held = state.held.lock();
    let seconds = held.settings.bearer_seconds;
    let until = now + SignedDuration::from_secs(seconds.into());
    held.bearers.retain(|_, until| now < *until);
    held.bearers.insert(token.clone(), until);
    Json(json!({"access_token": token, "expires_in": seconds, "token_type": "Bearer"}))
        .into_response()
}

fn judge(state: &State, asked: &Asked, now: Timestamp) -> Result<(), (&'static str, &'static str)> {
    if asked.grant_type != GRANT {
        return Err((
            "unsupported_grant_type",
            "grant_type is not the JWT bearer's",
        ));
    }
    let invalid = |why| ("invalid_grant", why);
    let (message, signature) = asked
        .assertion
        .rsplit_once('.')
        .ok_or(invalid("not a JWT"))?;
    let (head, payload) = message.split_once('.').ok_or(invalid("not a JWT"))?;
    if asked.assertion.contains('=') {
        state.counters.padded.fetch_add(1, Ordering::Relaxed);
    }
    let read = |part: &str| LENIENT.decode(part).map_err(|_| invalid("not base64url"));
    let head: serde_json::Value =
        serde_json::from_slice(&read(head)?).map_err(|_| invalid("no header"))?;
    if head["alg"] != "RS256" {
        return Err(invalid("the algorithm is not RS256"));
    }
    let signature = URL_SAFE_NO_PAD.encode(read(signature)?);
    let good = jsonwebtoken::crypto::verify(
        &signature,
        message.as_bytes(),
        state.account.public(),
        Algorithm::RS256,
    );
    if !good.is_ok_and(|good| good) {
        return Err(invalid("invalid JWT signature"));
    }
    let claims: Claims =
        serde_json::from_slice(&read(payload)?).map_err(|_| invalid("claims are missing"))?;
    if claims.iss != EMAIL {
        return Err(invalid("no such account"));
    }
    if claims.aud != state.token_uri() {
        return Err(invalid("the audience is not this endpoint"));
    }
    let now = now.as_second();
    let life = claims.exp - claims.iat;
    if !(1..=3600).contains(&life) || (claims.iat - now).abs() > SKEW || claims.exp <= now {
        return Err(invalid(
            "the JWT has to be short-lived (60 minutes) and of now: check iat and exp",
        ));
    }
    if !claims.scope.split(' ').any(|scope| SCOPES.contains(&scope)) {
        return Err(("invalid_scope", "the scope does not allow messaging"));
    }
    Ok(())
}
