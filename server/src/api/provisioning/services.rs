//! `/services`: the applications inside a tenant.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;

use super::BULK;
use super::answer::{self, Done, Many};
use super::check::{self, Id, Item, inside};
use crate::api::body::Json;
use crate::api::problem::Problem;
use crate::auth::{AuthState, Principal, Scope};
use crate::delivery::AckMode;
use crate::store::identity::services::Settings;
use crate::store::identity::{Outcome, services};

/// A service.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceBody {
    /// Required in bulk; else the id is the path's.
    #[serde(default)]
    #[schema(example = "crm")]
    id: Option<String>,
    #[schema(example = "Customer relations")]
    name: String,
    /// Web origins that may use the hub and the API from a browser. Left out: stay as they are.
    #[serde(default)]
    #[schema(example = json!(["https://app.example.com"]))]
    allowed_origins: Option<Vec<String>>,
    /// How the devices of users who come with a token of this service acknowledge, when their connection does not say
    /// (`?acks=`): `transport`, as at first, `explicit` or `result`. Left out: stays as it is. Connections made from
    /// then on follow it.
    #[serde(default)]
    acks: Option<AckMode>,
}

/// Many services, at most 1,000.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Services {
    items: Vec<ServiceBody>,
}

impl Item for ServiceBody {
    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// Create or change a service
#[utoipa::path(
    put, path = "/services/{id}", tag = "provisioning", request_body = ServiceBody,
    params(("id" = String, Path, description = "Your own id of the service, 1-128 bytes")),
    responses(
        (status = 201, description = "Created", body = Done),
        (status = 200, description = "Changed, or the same as before", body = Done),
        (status = 422, description = "A field is wrong", body = Problem),
    ),
)]
pub(super) async fn put_one(
    State(auth): State<AuthState>,
    principal: Principal,
    Id(id): Id,
    Json(body): Json<ServiceBody>,
) -> Result<Response, Problem> {
    principal.require(Scope::Provision)?;
    check::single(&id, &body)?;
    body.check()?;
    let outcomes = write(&auth, &principal, vec![(id.clone(), body)]).await?;
    Ok(answer::one(
        id,
        outcomes.first().copied().unwrap_or(Outcome::Unchanged),
    ))
}

/// Create or change many services, all or none
#[utoipa::path(
    put, path = "/services", tag = "provisioning", request_body = Services,
    responses(
        (status = 200, description = "All are written", body = Many),
        (status = 422, description = "An item is wrong, see `field`; nothing is written", body = Problem),
    ),
)]
pub(super) async fn put_many(
    State(auth): State<AuthState>,
    principal: Principal,
    Json(body): Json<Services, BULK>,
) -> Result<Response, Problem> {
    principal.require(Scope::Provision)?;
    let items = check::bulk(body.items)?;
    for (index, (_, body)) in items.iter().enumerate() {
        body.check().map_err(|problem| inside(index, problem))?;
    }
    Ok(answer::many(&write(&auth, &principal, items).await?))
}

/// Remove a service
///
/// With its API keys, memberships and database grants. Refused while approval requests belong to
/// it, and for the service of the credential itself.
#[utoipa::path(
    delete, path = "/services/{id}", tag = "provisioning",
    params(("id" = String, Path, description = "Your own id of the service")),
    responses(
        (status = 204, description = "Removed, or never there"),
        (status = 409, description = "Still in use", body = Problem),
    ),
)]
pub(super) async fn delete(
    State(auth): State<AuthState>,
    principal: Principal,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    principal.require(Scope::Provision)?;
    if principal.service_key.as_deref() == Some(id.as_str()) {
        return Err(in_use(
            "The credential of this very call belongs to the service.",
        ));
    }
    let mut tx = auth.pool().begin().await?;
    let members = services::remove(&mut tx, principal.tenant, &id)
        .await
        .map_err(|error| match &error {
            sqlx::Error::Database(cause) if cause.is_foreign_key_violation() => {
                in_use("Approval requests belong to the service; it cannot be removed.")
            }
            _ => error.into(),
        })?;
    tx.commit().await?;
    auth.services_changed();
    auth.directory().forget_people();
    auth.people_changed(principal.tenant, &members);
    Ok(StatusCode::NO_CONTENT)
}

impl ServiceBody {
    fn check(&self) -> Result<(), Problem> {
        check::name(&self.name, "name")?;
        let origins = self.allowed_origins.as_deref().unwrap_or_default();
        if origins.len() > 64 {
            return Err(Problem::invalid("allowed_origins", "At most 64 origins."));
        }
        for (index, origin) in origins.iter().enumerate() {
            if !is_origin(origin) {
                return Err(Problem::invalid(
                    format!("allowed_origins[{index}]"),
                    "Write an origin as browsers send it: https://app.example.com, no path, no default port.",
                ));
            }
        }
        Ok(())
    }
}

/// Exactly as a browser writes it into `Origin`.
fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}

async fn write(
    auth: &AuthState,
    principal: &Principal,
    mut items: Vec<(String, ServiceBody)>,
) -> Result<Vec<Outcome>, Problem> {
    items.sort_by(|a, b| a.0.cmp(&b.0));
    let now = auth.clock().now();
    let mut outcomes = Vec::with_capacity(items.len());
    let mut tx = auth.pool().begin().await?;
    for (id, body) in &items {
        let (new, tenant) = (auth.ids().uuid(), principal.tenant);
        let settings = Settings {
            origins: body.allowed_origins.as_deref(),
            acks: body.acks.map(AckMode::name),
        };
        outcomes.push(services::put(&mut tx, tenant, new, id, &body.name, settings, now).await?);
    }
    tx.commit().await?;
    auth.services_changed();
    Ok(outcomes)
}

fn in_use(why: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, "in_use", why)
}
