//! `POST /api/v1/acks`: a device says over HTTP what it has, for clients that were woken by a push
//! and have no connection. The same facts as the hub's `Acknowledge`, gathered in the same commits.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json as Answer};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::body::Json;
use super::problem::Problem;
use crate::auth::Principal;
use crate::hub;
use crate::outbox::ack::{Ack, NotRecorded, What};

/// As many as in one call of the hub.
const MOST_IDS: usize = 1_000;

/// The routes of this noun, relative to `/api/v1`.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(acknowledge))
}

/// Body of `POST /api/v1/acks`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AckRequest {
    /// Ids of notifications, at most 1,000. Those that are not the caller's are passed over.
    pub ids: Vec<Uuid>,
    /// The device that has them, 1 to 64 letters, digits or `._:-`. A device named in the token
    /// wins.
    #[serde(default)]
    #[schema(example = "phone-1")]
    pub device: Option<String>,
    /// How the device came by them: `http` (the default), `push` (its background handler), `tap` (somebody
    /// opened it, which a class may ask for).
    #[serde(default)]
    pub via: Via,
    /// When it had them, if that was before now: a phone may have had no network. At most 7 days ago.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

/// How a device came by what it acknowledges.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// By asking.
    #[default]
    Http,
    /// By its background handler.
    Push,
    /// By a person's hand.
    Tap,
}

impl Via {
    fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Push => "push",
            Self::Tap => "tap",
        }
    }
}

/// Older news of an ack is no help: what it would tell has expired or was sent again.
const OLDEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What was recorded.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acknowledged {
    /// How many this device had not acknowledged before.
    pub acknowledged: u32,
}

/// Acknowledge notifications
///
/// With a user's token, or with the credential that a phone got when it registered for pushes; for that user's
/// own. Acks are facts: sent twice, they are one.
#[utoipa::path(
    post, path = "/acks", tag = "acks", request_body = AckRequest,
    responses(
        (status = 200, description = "Recorded: it is committed", body = Acknowledged),
        (status = 400, description = "Malformed JSON, with line and column", body = Problem),
        (status = 401, description = "No good credential", body = Problem),
        (status = 403, description = "The credential is no user's", body = Problem),
        (status = 422, description = "A field is wrong", body = Problem),
        (status = 503, description = "The database is away; nothing was recorded, try again", body = Problem),
    ),
    security(("bearer" = []))
)]
async fn acknowledge(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<AckRequest>,
) -> Result<Answer<Acknowledged>, Problem> {
    let user = principal.acknowledges_for()?;
    if request.ids.len() > MOST_IDS {
        return Err(Problem::invalid(
            "ids",
            format!("{} ids; at most {MOST_IDS} in one call.", request.ids.len()),
        ));
    }
    let now = api.clock.now();
    if request.at.is_some_and(|at| at < now - OLDEST) {
        return Err(Problem::invalid(
            "at",
            "That is more than 7 days ago. Leave it out to say that the device has them now.",
        ));
    }
    let device = device(&principal, request.device.as_deref())?;
    let ack = Ack {
        epoch: None,
        user,
        device: device.clone(),
        what: What::These {
            seqs: Vec::new(),
            ids: request.ids.clone(),
        },
        via: request.via.word(),
        active: request.via == Via::Tap,
        at: request.at,
    };
    let acknowledged = api
        .acks
        .record(ack)
        .await
        .map_err(|NotRecorded| Problem::unavailable())?;
    if let Some(device) = &device {
        api.hub.acknowledged(user, device, &request.ids);
    }
    Ok(Answer(Acknowledged { acknowledged }))
}

/// The token's device, else the body's; the hub passes over a bad name, here it is worth a word.
fn device(principal: &Principal, named: Option<&str>) -> Result<Option<Arc<str>>, Problem> {
    let found = hub::device_name(principal.device.as_deref(), named);
    if found.is_none() && principal.device.is_none() && named.is_some() {
        return Err(Problem::invalid(
            "device",
            "A device's name has 1 to 64 letters, digits or characters of `._:-`.",
        ));
    }
    Ok(found)
}
