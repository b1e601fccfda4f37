//! `POST /api/v1/events`.

use axum::extract::State;
use axum::{Extension, Json as Answer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::audience::Audience;
use crate::api::Api;
use crate::api::body::Json;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::delivery::draft::is_kind;
use crate::hub::LiveEvent;

/// Half of what a queue may hold.
const PAYLOAD_BYTES: usize = 32 * 1024;
const KEY_BYTES: usize = 128;

/// Body of `POST /api/v1/events`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventRequest {
    /// Everybody in it who is connected: `user:{id}`, `department:{id}`, `group:{id}`, `service:{id}`
    /// (your own), or who has that screen open: `request:{id}`, `attendance`. Either this or `users`.
    #[serde(default)]
    #[schema(example = "department:finance")]
    pub group: Option<String>,
    /// These users, 1 to 1,000.
    #[serde(default)]
    pub users: Option<Vec<String>>,
    /// The client method that is invoked: a letter, then at most 63 letters, digits, underscores.
    #[schema(example = "DocumentChanged")]
    pub method: String,
    /// Of unsent events of one method and key a connection gets only the newest; 1 to 128 bytes.
    /// Without it an event is not sent to connections that are behind.
    #[serde(default)]
    #[schema(example = "document:7")]
    pub key: Option<String>,
    /// The method's one argument, any JSON of at most 32 KiB; null when missing.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Box<RawValue>>,
}

/// What became of it, on the node that was asked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Told {
    /// Connections it was handed to.
    pub sent: usize,
    /// Connections that were too far behind to get it.
    pub dropped: usize,
    /// Names that the tenant does not have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// Send a live event
///
/// To whoever is connected now. It is not kept, not numbered and not acknowledged, and may be lost:
/// for what a screen shows at the moment. What must arrive is a notification.
#[utoipa::path(
    post, path = "/events", tag = "events", request_body = EventRequest,
    responses(
        (status = 200, description = "Handed to the connections that are here", body = Told),
        (status = 400, description = "Malformed JSON, with line and column", body = Problem),
        (status = 401, description = "No good credential", body = Problem),
        (status = 403, description = "The credential lacks the scope `publish`", body = Problem),
        (status = 413, description = "Over 256 KiB", body = Problem),
        (status = 422, description = "A field is wrong", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn send(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<EventRequest>,
) -> Result<Answer<Told>, Problem> {
    principal.require(Scope::Publish)?;
    let service = principal.require_service()?;
    let EventRequest {
        group,
        users,
        method,
        key,
        payload,
    } = request;
    let audience = Audience::check(group, users, &principal)?;
    // A kind may be called Notification; what is invoked as that must be one.
    if !is_kind(&method) || method.eq_ignore_ascii_case(app::protocol::NOTIFICATION) {
        return Err(Problem::invalid(
            "method",
            "A method is a letter followed by at most 63 letters, digits or underscores, and none of the \
             hub's own names (Notification, Patch, Greeting, Backlog, NotificationWithdrawn, Typing, ReadReceipt).",
        ));
    }
    let long = |length: usize| !(1..=KEY_BYTES).contains(&length);
    if key.as_ref().is_some_and(|key| long(key.len())) {
        return Err(Problem::invalid(
            "key",
            format!("A key has 1 to {KEY_BYTES} bytes; leave it out for none."),
        ));
    }
    let payload = payload.unwrap_or_else(|| RawValue::NULL.to_owned());
    if payload.get().len() > PAYLOAD_BYTES {
        return Err(Problem::invalid(
            "payload",
            format!(
                "{} bytes; at most {PAYLOAD_BYTES}. Send what changed, or its id, and let the client fetch \
                 the rest.",
                payload.get().len()
            ),
        ));
    }
    let event = LiveEvent {
        service,
        method,
        key,
        payload,
    };
    let handed = api.hub.tell(principal.tenant, &audience.groups, event);
    api.events.told(&handed);
    // What is sent is sent: that names cannot be looked up is no reason to have it sent again.
    let unknown = audience
        .unknown(&api, principal.tenant, &handed.empty)
        .await
        .unwrap_or_else(|error| {
            tracing::debug!(%error, "names of a live event not looked up");
            Vec::new()
        });
    Ok(Answer(Told {
        sent: handed.sent,
        dropped: handed.dropped,
        unknown,
    }))
}
