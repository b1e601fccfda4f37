//! `/sites`: where people work, and in which time zone their days are counted.

use axum::extract::State;
use axum::response::Response;
use jiff::tz::TimeZone;
use serde::Deserialize;
use utoipa::ToSchema;

use super::BULK;
use super::answer::{self, Done, Many};
use super::check::{self, Id, Item, inside};
use crate::api::body::Json;
use crate::api::problem::Problem;
use crate::auth::{AuthState, Principal, Scope};
use crate::store::identity::sites;

/// A site.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteBody {
    /// Required in bulk; else the id is the path's.
    #[serde(default)]
    #[schema(example = "lisbon")]
    id: Option<String>,
    #[schema(example = "Lisbon")]
    name: String,
    /// IANA time zone.
    #[schema(example = "Europe/Lisbon")]
    zone: String,
}

/// Many sites, at most 1,000.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sites {
    items: Vec<SiteBody>,
}

impl Item for SiteBody {
    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

impl SiteBody {
    /// Answers the zone as the zone database writes it.
    fn check(&self) -> Result<String, Problem> {
        check::name(&self.name, "name")?;
        let zone = TimeZone::get(&self.zone).ok();
        let name = zone.as_ref().and_then(TimeZone::iana_name);
        name.map(str::to_owned).ok_or_else(|| {
            Problem::invalid(
                "zone",
                "No such time zone; write an IANA name like Europe/Lisbon.",
            )
        })
    }
}

/// Create or change a site
#[utoipa::path(
    put, path = "/sites/{id}", tag = "provisioning", request_body = SiteBody,
    params(("id" = String, Path, description = "Your own id of the site, 1-128 bytes")),
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
    Json(body): Json<SiteBody>,
) -> Result<Response, Problem> {
    principal.require(Scope::Provision)?;
    check::single(&id, &body)?;
    let zone = body.check()?;
    let mut conn = auth.pool().acquire().await?;
    let (tenant, new) = (principal.tenant, auth.ids().uuid());
    let outcome = sites::put(&mut conn, tenant, new, &id, &body.name, &zone).await?;
    Ok(answer::one(id, outcome))
}

/// Create or change many sites, all or none
#[utoipa::path(
    put, path = "/sites", tag = "provisioning", request_body = Sites,
    responses(
        (status = 200, description = "All are written", body = Many),
        (status = 422, description = "An item is wrong, see `field`; nothing is written", body = Problem),
    ),
)]
pub(super) async fn put_many(
    State(auth): State<AuthState>,
    principal: Principal,
    Json(body): Json<Sites, BULK>,
) -> Result<Response, Problem> {
    principal.require(Scope::Provision)?;
    let mut items = Vec::with_capacity(body.items.len());
    for (index, (id, body)) in check::bulk(body.items)?.into_iter().enumerate() {
        let zone = body.check().map_err(|problem| inside(index, problem))?;
        items.push((id, body.name, zone));
    }
    items.sort_unstable();
    let mut outcomes = Vec::with_capacity(items.len());
    let mut tx = auth.pool().begin().await?;
    for (id, name, zone) in &items {
        let (tenant, new) = (principal.tenant, auth.ids().uuid());
        outcomes.push(sites::put(&mut tx, tenant, new, id, name, zone).await?);
    }
    tx.commit().await?;
    Ok(answer::many(&outcomes))
}
