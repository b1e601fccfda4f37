//! `GET /api/v1/notifications/{id}`: what became of it, recipient by recipient, device by device.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::Api;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::store::explain::{self, Trace};

const PAGE: i64 = 200;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct After {
    /// The last user id of the page before.
    #[serde(default)]
    after: String,
}

/// A notification and its deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Notification {
    /// Id.
    pub id: Uuid,
    /// Kind.
    pub kind: String,
    /// Title.
    pub title: String,
    /// In words: `2 users, 1 department`.
    pub audience: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it stops being worth delivering.
    pub expires_at: Timestamp,
    /// To how many users.
    pub recipients: i32,
    /// At most 200, sorted by user; ask with `after` for the next.
    pub deliveries: Vec<Delivery>,
}

/// One recipient's delivery.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Delivery {
    /// Your id of the user.
    pub user: String,
    /// Their number of it, gap-free per user.
    pub seq: i64,
    /// `queued`, `reached`, `acked`, `expired`, `cancelled` or `dead`. Bytes written to a socket are
    /// an attempt, never a state.
    pub state: &'static str,
    /// When it became acked, expired, cancelled or dead.
    pub settled_at: Option<Timestamp>,
    /// When it was shown in an open inbox.
    pub seen_at: Option<Timestamp>,
    /// When it was clicked.
    pub read_at: Option<Timestamp>,
    /// Devices that said (or, `reached`, proved) that they have it.
    pub devices: Vec<Event>,
    /// Writes to connections.
    pub attempts: Vec<Event>,
}

/// A receipt or an attempt.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Event {
    /// The device's name, empty when unnamed.
    pub device: String,
    /// `hub`, `http` or `reached` for a receipt, the transport for an attempt.
    pub via: String,
    /// When.
    pub at: Timestamp,
}

/// Read a notification's deliveries
///
/// Another service's, or another tenant's, does not exist.
#[utoipa::path(
    get, path = "/notifications/{id}", tag = "notifications",
    params(("id" = Uuid, Path), After),
    responses(
        (status = 200, description = "As of now", body = Notification),
        (status = 404, description = "There is no such one for this service", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn read(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
    Query(page): Query<After>,
) -> Result<Json<Notification>, Problem> {
    principal.require(Scope::Read)?;
    let service = principal.require_service()?;
    let missing = || Problem::not_found("notification");
    let id = Uuid::try_parse(&id).map_err(|_| missing())?;
    let mut conn = api.pool.acquire().await?;
    let head = explain::head(&mut conn, principal.tenant, service, id)
        .await?
        .ok_or_else(missing)?;
    let rows = explain::deliveries(&mut conn, id, &page.after, PAGE).await?;
    let users: Vec<Uuid> = rows.iter().map(|row| row.user).collect();
    let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    let mut receipts = by_delivery(explain::receipts(&mut conn, &users, &seqs).await?);
    let mut attempts = by_delivery(explain::attempts(&mut conn, &users, &seqs).await?);
    let deliveries = rows
        .into_iter()
        .map(|row| Delivery {
            state: state_word(row.state),
            settled_at: row
                .settled_at
                .filter(|_| row.state >= 2)
                .map(jiff_sqlx::Timestamp::to_jiff),
            seen_at: row.seen_at.map(jiff_sqlx::Timestamp::to_jiff),
            read_at: row.read_at.map(jiff_sqlx::Timestamp::to_jiff),
            devices: receipts.remove(&row.user).unwrap_or_default(),
            attempts: attempts.remove(&row.user).unwrap_or_default(),
            user: row.key,
            seq: row.seq,
        })
        .collect();
    Ok(Json(Notification {
        id,
        kind: head.kind,
        title: head.title,
        audience: head.audience,
        accepted_at: head.at.to_jiff(),
        expires_at: head.expires_at.to_jiff(),
        recipients: head.recipients,
        deliveries,
    }))
}

/// A notification has one delivery a user, so the user is key enough.
fn by_delivery(traces: Vec<Trace>) -> HashMap<Uuid, Vec<Event>> {
    let mut map: HashMap<Uuid, Vec<Event>> = HashMap::new();
    for trace in traces {
        map.entry(trace.user).or_default().push(Event {
            device: trace.device,
            via: trace.via,
            at: trace.at.to_jiff(),
        });
    }
    map
}

/// The word of a stored state.
pub(crate) fn state_word(state: i16) -> &'static str {
    match state {
        0 => "queued",
        1 => "reached",
        2 => "acked",
        3 => "expired",
        4 => "cancelled",
        _ => "dead",
    }
}
