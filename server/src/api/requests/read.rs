//! `GET /api/v1/requests/{id}`: how it stands, step by step.

use std::collections::HashMap;

use app::model::person::Role;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Api;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope, Who};
use crate::store::approvals::{self as store, AssigneeRow};
use crate::workplace::approvals::number;

/// A request and its steps.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Request {
    /// Id.
    pub id: Uuid,
    /// For people: `REQ-2026-01847`.
    pub number: String,
    /// Kind.
    pub kind: String,
    /// One line.
    pub subject: String,
    /// The key fact; may be empty.
    pub amount: String,
    /// Label and value, in order.
    #[schema(value_type = Vec<Vec<String>>)]
    pub fields: Vec<(String, String)>,
    /// `in_review`, `approved`, `rejected` or `withdrawn`.
    pub state: String,
    /// Goes up with every edit; a decision may name the one it was made on.
    pub revision: i32,
    /// Who asks.
    pub requester: Person,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// When the open step should be decided.
    pub due_at: Option<Timestamp>,
    /// When it was over.
    pub decided_at: Option<Timestamp>,
    /// One after the other.
    pub steps: Vec<Step>,
    /// What happened, oldest first.
    pub events: Vec<Event>,
}

/// Somebody.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Person {
    /// Your id of the user.
    pub user: String,
    /// Display name.
    pub name: String,
}

/// A step.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Step {
    /// Name.
    pub name: String,
    /// `waiting`, `open`, `approved`, `rejected` or `cancelled`.
    pub state: String,
    /// When it became open.
    pub opened_at: Option<Timestamp>,
    /// When it should be decided.
    pub due_at: Option<Timestamp>,
    /// Any one of them decides.
    pub approvers: Vec<Approver>,
}

/// One who is asked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Approver {
    /// Who.
    #[serde(flatten)]
    pub person: Person,
    /// `pending`, `approved`, `rejected`, `superseded` (another decided) or `cancelled`.
    pub state: String,
    /// Since when, unless pending.
    pub at: Option<Timestamp>,
    /// What they said.
    pub comment: Option<String>,
}

/// One line of the history.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Event {
    /// When.
    pub at: Timestamp,
    /// Display name of who.
    pub actor: String,
    /// `submitted`, `approved`, `rejected` or `withdrawn`.
    pub what: String,
    /// What they said.
    pub comment: Option<String>,
}

/// Read a request
///
/// A back end with the scope `read` reads what came through its own service; a user reads what they
/// asked, were asked, or may see as HR. Anything else does not exist.
#[utoipa::path(
    get, path = "/requests/{id}", tag = "requests", params(("id" = Uuid, Path, description = "Id of the request")),
    responses(
        (status = 200, description = "As of now", body = Request),
        (status = 401, description = "No good credential", body = Problem),
        (status = 403, description = "The credential lacks the scope `read`", body = Problem),
        (status = 404, description = "There is no such one for the caller", body = Problem),
        (status = 503, description = "The database is away; try again", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn read(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Json<Request>, Problem> {
    let id = Uuid::try_parse(&id).map_err(|_| missing())?;
    let mut conn = api.pool.acquire().await?;
    let tenant = principal.tenant;
    if let Who::User { id: user, .. } = principal.who {
        let head = store::head(&mut conn, tenant, id).await?;
        let head = head.ok_or_else(missing)?;
        let involved = head.requester == user || head.assignees.contains(&user);
        if !involved && !principal.roles.contains(&Role::Hr) {
            return Err(missing());
        }
    } else {
        principal.require(Scope::Read)?;
        let service = principal.require_service()?;
        of_service(&mut conn, tenant, service, id).await?;
    }
    Ok(Json(request(&mut conn, tenant, id).await?))
}

/// The request's revision, if it came through this service; 404 for any other.
pub(super) async fn of_service(
    conn: &mut PgConnection,
    tenant: Uuid,
    service: Uuid,
    id: Uuid,
) -> Result<i32, Problem> {
    let origin = store::origin(conn, tenant, id).await?;
    let origin = origin.filter(|origin| origin.service == service);
    Ok(origin.ok_or_else(missing)?.revision)
}

pub(super) fn missing() -> Problem {
    Problem::not_found("request")
}

/// Reads it whole. Whoever calls has made sure that the caller may see it.
pub(super) async fn request(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: Uuid,
) -> Result<Request, Problem> {
    let head = store::head(&mut *conn, tenant, id)
        .await?
        .ok_or_else(missing)?;
    let row = store::summaries(&mut *conn, tenant, &[id])
        .await?
        .pop()
        .ok_or_else(missing)?;
    let mut asked: HashMap<Uuid, Vec<AssigneeRow>> = HashMap::new();
    for one in store::assignees(&mut *conn, tenant, id).await? {
        asked.entry(one.step).or_default().push(one);
    }
    let keys: HashMap<Uuid, String> = store::keys_of(&mut *conn, tenant, &head.assignees)
        .await?
        .into_iter()
        .collect();
    let events = store::events(&mut *conn, tenant, id).await?;
    let steps = store::steps(conn, tenant, id).await?;
    Ok(Request {
        id,
        number: number(row.number, row.submitted_at),
        kind: row.kind,
        subject: row.subject,
        amount: row.amount,
        fields: head.fields,
        state: row.state,
        revision: row.revision,
        requester: Person {
            user: row.requester,
            name: row.requester_name,
        },
        submitted_at: row.submitted_at,
        due_at: row.due_at,
        decided_at: row.decided_at,
        steps: steps
            .into_iter()
            .map(|step| Step {
                approvers: asked
                    .remove(&step.id)
                    .unwrap_or_default()
                    .into_iter()
                    .map(|one| approver(one, &keys))
                    .collect(),
                name: step.name,
                state: step.state,
                opened_at: step.opened_at,
                due_at: step.due_at,
            })
            .collect(),
        events: events
            .into_iter()
            .map(|event| Event {
                at: event.at,
                actor: event.actor,
                what: event.kind,
                comment: event.comment,
            })
            .collect(),
    })
}

fn approver(row: AssigneeRow, keys: &HashMap<Uuid, String>) -> Approver {
    Approver {
        person: Person {
            user: keys.get(&row.user).cloned().unwrap_or_default(),
            name: row.name,
        },
        state: row.state,
        at: row.at,
        comment: row.comment,
    }
}
