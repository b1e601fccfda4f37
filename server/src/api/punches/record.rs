//! `POST /api/v1/punches`.

use app::model::attendance::Direction;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{Punch, PunchBody};
use crate::api::Api;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::workplace::attendance::{self, NewPunch, Outcome, Refusal};

/// A punch that was taken down.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Punched {
    /// Its id; the first one's for a duplicate.
    pub id: Uuid,
    /// It was here before (same device, same `source_id`): nothing was done now.
    pub duplicate: bool,
    /// What it says as of now; an earlier punch that comes late may change it. Not for a duplicate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub direction: Option<Direction>,
    /// A double tap: kept, and without effect. Not for a duplicate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored: Option<bool>,
}

/// What became of one of many.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Item {
    /// The status it would have had alone: 201 taken, 200 duplicate, 422 refused.
    pub status: u16,
    /// When it was taken, or was here before.
    #[serde(flatten)]
    pub punched: Option<Punched>,
    /// When it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// One for each punch, in order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Items {
    /// One for each punch, in order.
    pub items: Vec<Item>,
}

/// Record punches
///
/// One, or up to 1,000 as `items`. The boards show them at once. A single one is answered 201, a
/// duplicate 200; many are answered 200 with a status each.
#[utoipa::path(
    post, path = "/punches", tag = "punches", request_body = PunchBody,
    responses(
        (status = 201, description = "Taken down", body = Punched),
        (status = 200, description = "It was here before; or the answers to `items`", body = Items),
        (status = 400, description = "Malformed JSON, with line and column", body = Problem),
        (status = 401, description = "No good credential", body = Problem),
        (status = 403, description = "The credential lacks the scope `punch`", body = Problem),
        (status = 413, description = "Over 1 MiB", body = Problem),
        (status = 422, description = "A field is wrong, or the user or PIN is unknown", body = Problem),
        (status = 503, description = "The database is away; nothing was stored, try again", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn record(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    body: PunchBody,
) -> Result<Response, Problem> {
    principal.require(Scope::Punch)?;
    match body {
        PunchBody::One(punch) => {
            let punch = punch.check()?;
            let local = is_local(&punch);
            let outcomes = attendance::punch(&api.workplace, principal.tenant, vec![punch]).await?;
            let outcome = outcomes.into_iter().next();
            let outcome =
                outcome.ok_or_else(|| Problem::internal(&"a punch without an outcome"))?;
            let (status, punched) = answer(outcome, local)?;
            Ok((status, Json(punched)).into_response())
        }
        PunchBody::Many(many) => {
            let items = record_all(&api, principal.tenant, many.items).await?;
            Ok(Json(Items { items }).into_response())
        }
    }
}

/// Records those that pass the checks in one commit; answers for all, in order.
async fn record_all(api: &Api, tenant: Uuid, punches: Vec<Punch>) -> Result<Vec<Item>, Problem> {
    let mut good = Vec::with_capacity(punches.len());
    let mut places = Vec::with_capacity(punches.len());
    for punch in punches {
        places.push(punch.check().map(|punch| {
            let local = is_local(&punch);
            good.push(punch);
            local
        }));
    }
    let mut outcomes = if good.is_empty() {
        Vec::new()
    } else {
        attendance::punch(&api.workplace, tenant, good).await?
    }
    .into_iter();
    let items = places.into_iter().map(|checked| {
        let answered = checked.and_then(|local| match outcomes.next() {
            Some(outcome) => answer(outcome, local),
            None => Err(Problem::internal(&"a punch without an outcome")),
        });
        match answered {
            Ok((status, taken)) => Item {
                status: status.as_u16(),
                punched: Some(taken),
                problem: None,
            },
            Err(problem) => Item {
                status: problem.status.as_u16(),
                punched: None,
                problem: Some(problem),
            },
        }
    });
    Ok(items.collect())
}

fn is_local(punch: &NewPunch) -> bool {
    matches!(punch.at, attendance::When::Local { .. })
}

/// `local`: its time came as digits, so that is the field to blame.
fn answer(outcome: Outcome, local: bool) -> Result<(StatusCode, Punched), Problem> {
    match outcome {
        Outcome::Taken {
            id,
            direction,
            ignored,
            ..
        } => Ok((
            StatusCode::CREATED,
            Punched {
                id,
                duplicate: false,
                direction: Some(direction),
                ignored: Some(ignored),
            },
        )),
        Outcome::Replayed { id } => Ok((
            StatusCode::OK,
            Punched {
                id,
                duplicate: true,
                direction: None,
                ignored: None,
            },
        )),
        Outcome::Refused(refusal) => Err(refused(&refusal, local)),
    }
}

fn refused(refusal: &Refusal, local: bool) -> Problem {
    let (code, field) = match refusal {
        Refusal::UnknownUser(_) => ("unknown_user", "user"),
        Refusal::UnknownPin { .. } => ("unknown_pin", "pin"),
        Refusal::UnknownZone(_) => ("unknown_zone", "zone"),
        Refusal::BadText(field) => ("invalid", *field),
        Refusal::OutOfRange | Refusal::Ahead(_) | Refusal::Behind(_) => {
            ("implausible_time", if local { "local" } else { "at" })
        }
    };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, refusal.to_string()).at(field)
}
