//! From checked words to a [`Principal`]: which tenant, service and user they are here.
//!
//! A user nobody knew yet is created, when the settings say so, with membership of the token's
//! service and the stream their deliveries are numbered in. `roles` and `departments` of a token
//! are written down only when its key is authoritative.

use std::sync::Arc;

use app::model::person::Role;
use jiff::Timestamp;
use uuid::Uuid;

use super::directory::User;
use super::fault::Fault;
use super::jwt::Verified;
use super::jwt::hub::HubClaims;
use super::principal::{Principal, Scopes, Who};
use super::state::AuthState;
use crate::api::problem::Problem;
use crate::store;
use crate::store::identity::{members, named, users};

impl AuthState {
    /// A token of a configured issuer.
    pub(super) async fn principal_of(&self, verified: Verified) -> Result<Principal, Problem> {
        let Verified { key, claims } = verified;
        let now = self.clock().now();

        let tenant = claims.tenant.as_deref().or(key.tenants.only());
        let tenant = tenant
            .filter(|name| key.tenants.contain(name))
            .ok_or(Fault::UnknownTenant)?;
        let (tenant, tenant_key) = self
            .directory()
            .tenant(tenant, now)
            .await?
            .ok_or(Fault::UnknownTenant)?;

        let service = match claims.service.as_deref().or(key.services.only()) {
            None => None,
            Some(name) if !key.services.contain(name) => return Err(Fault::UnknownService.into()),
            Some(name) => {
                let found = self.directory().service(tenant, name, now).await?;
                Some(found.ok_or(Fault::UnknownService)?)
            }
        };
        let (service, service_key) = service.unzip();
        let mut principal = Principal {
            tenant,
            tenant_key,
            service,
            service_key,
            who: Who::Service,
            scopes: Scopes::NONE,
            roles: Vec::new(),
            device: None,
            expires_at: Some(claims.expires_at),
            session: None,
        };

        let Some(user) = claims.user.as_deref() else {
            if key.scopes == Scopes::NONE {
                return Err(Fault::MalformedToken("it names no user").into());
            }
            if service.is_none() {
                return Err(Fault::MalformedToken("it names neither a user nor a service").into());
            }
            principal.scopes = claims.scopes.and(key.scopes);
            return Ok(principal);
        };

        let name = claims.name.as_deref().unwrap_or(user);
        let mut found = self.sight(tenant, service, user, name, now).await?;
        if key.authoritative {
            found = self
                .follow(
                    tenant,
                    found,
                    claims.roles.as_deref(),
                    claims.departments,
                    now,
                )
                .await?;
        }
        principal.roles.clone_from(&found.roles);
        principal.device = claims.device;
        principal.who = Who::User {
            id: found.id,
            key: Arc::clone(&found.key),
            name: Arc::clone(&found.name),
        };
        Ok(principal)
    }

    /// A token we minted for a signed-in page: it is worth what its session is worth.
    pub(super) async fn principal_of_session(&self, hub: HubClaims) -> Result<Principal, Problem> {
        let holder = self
            .directory()
            .session(hub.session, self.clock().now())
            .await?;
        let holder = holder
            .filter(|holder| holder.tenant == hub.tenant && holder.user == hub.user)
            .ok_or(Fault::SessionEnded)?;
        Ok(Principal {
            tenant: holder.tenant,
            tenant_key: Arc::clone(&holder.tenant_key),
            service: None,
            service_key: None,
            who: Who::User {
                id: holder.user,
                key: Arc::clone(&holder.user_key),
                name: Arc::clone(&holder.user_name),
            },
            scopes: Scopes::NONE,
            roles: holder.roles.clone(),
            device: None,
            expires_at: Some(hub.expires_at),
            session: Some(hub.session),
        })
    }

    /// The same caller as of now, after [`super::Hooks::people_changed`]: fresh roles, or why an
    /// open connection has to end.
    pub async fn again(&self, principal: &Principal) -> Result<Principal, Problem> {
        let Who::User { key, .. } = &principal.who else {
            return Ok(principal.clone());
        };
        let user = self
            .directory()
            .user(principal.tenant, key, self.clock().now())
            .await?;
        let user = user.ok_or(Fault::UnknownUser)?;
        if !user.active {
            return Err(Fault::InactiveUser.into());
        }
        if principal
            .service
            .is_some_and(|service| !user.services.contains(&service))
        {
            return Err(Fault::UnknownService.into());
        }
        Ok(Principal {
            roles: user.roles.clone(),
            ..principal.clone()
        })
    }

    /// The active user of this name and member of this service, made so if the settings allow it.
    async fn sight(
        &self,
        tenant: Uuid,
        service: Option<Uuid>,
        key: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<Arc<User>, Problem> {
        let complete = |user: &User| service.is_none_or(|service| user.services.contains(&service));
        let known = self.directory().user(tenant, key, now).await?;
        match known {
            Some(user) if !user.active => return Err(Fault::InactiveUser.into()),
            Some(user) if complete(&user) => return Ok(user),
            Some(_) if !self.settings().create_users => return Err(Fault::UnknownService.into()),
            None if !self.settings().create_users => return Err(Fault::UnknownUser.into()),
            _ => {}
        }
        let mut tx = self.pool().begin().await?;
        let new = users::NewUser {
            id: self.ids().uuid(),
            tenant,
            key,
            name,
            roles: &[Role::Employee.as_str().to_owned()],
        };
        if users::create(&mut tx, &new, now).await?.is_some() {
            tracing::info!(%tenant, user = key, "user created on first sight");
        }
        if let Some(service) = service {
            let user = store::directory::user(&mut tx, tenant, key).await?;
            let user = user.ok_or(Fault::UnknownUser)?;
            members::join_services(&mut tx, tenant, user.id, &[service]).await?;
        }
        tx.commit().await?;
        self.directory().forget_user(tenant, key);
        let user = self
            .directory()
            .user(tenant, key, now)
            .await?
            .ok_or(Fault::UnknownUser)?;
        if !user.active {
            return Err(Fault::InactiveUser.into());
        }
        Ok(user)
    }

    /// Writes down what an authoritative token says differently from what we knew.
    async fn follow(
        &self,
        tenant: Uuid,
        user: Arc<User>,
        said_roles: Option<&[String]>,
        said_departments: Option<Vec<String>>,
        now: Timestamp,
    ) -> Result<Arc<User>, Problem> {
        let roles = said_roles.map(|words| {
            let mut roles = super::directory::roles(words);
            if roles.is_empty() {
                roles.push(Role::Employee);
            }
            roles
        });
        let roles = roles.filter(|roles| *roles != user.roles);
        let departments = said_departments.map(|mut keys| {
            keys.retain(|key| key.len() <= 128);
            keys.sort_unstable();
            keys.dedup();
            keys
        });
        let departments = departments.filter(|keys| *keys != user.departments);
        if roles.is_none() && departments.is_none() {
            return Ok(user);
        }
        let mut tx = self.pool().begin().await?;
        if let Some(roles) = roles {
            let words = roles
                .iter()
                .map(|role| role.as_str().to_owned())
                .collect::<Vec<_>>();
            users::set_roles(&mut tx, tenant, user.id, &words, now).await?;
        }
        if let Some(keys) = departments {
            let found = members::departments(&mut tx, tenant, &keys).await?;
            for (key, _) in keys.iter().zip(found).filter(|(_, id)| id.is_none()) {
                let id = self.ids().uuid();
                named::put(&mut tx, named::Kind::Department, tenant, id, key, key).await?;
            }
            let found = members::departments(&mut tx, tenant, &keys).await?;
            let ids = found.into_iter().flatten().collect::<Vec<_>>();
            members::set_departments(&mut tx, tenant, user.id, &ids).await?;
        }
        tx.commit().await?;
        self.directory().forget_user(tenant, &user.key);
        self.people_changed(tenant, &[user.id]);
        let again = self.directory().user(tenant, &user.key, now).await?;
        Ok(again.ok_or(Fault::UnknownUser)?)
    }
}
