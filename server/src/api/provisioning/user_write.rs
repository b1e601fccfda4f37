//! Writing users: all of a request in one transaction.
//!
//! First every user is made or locked, in the order of their ids, so that two requests never wait
//! for each other in a ring and a manager may come later in the list; then their fields are set.

use std::collections::HashSet;

use app::model::person::Role;
use http::StatusCode;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::check::{all_known, inside, unknown};
use super::user_body::{Said, UserBody};
use crate::api::problem::Problem;
use crate::auth::{AuthState, Principal};
use crate::store::identity::users::{NewUser, StoredUser};
use crate::store::identity::{self, Outcome, members, pins, sites, users};
use crate::store::{removals, sessions};

/// Writes them all or none. `many`: fields of problems are said inside their items.
pub(super) async fn write(
    auth: &AuthState,
    principal: &Principal,
    mut items: Vec<(String, UserBody)>,
    many: bool,
) -> Result<Vec<Outcome>, Problem> {
    let place = |index: usize, problem: Problem| {
        if many && problem.status.is_client_error() {
            inside(index, problem)
        } else {
            problem
        }
    };
    let tenant = principal.tenant;
    let mut hashes = Vec::with_capacity(items.len());
    for (index, (key, body)) in items.iter_mut().enumerate() {
        body.check(key).map_err(|problem| place(index, problem))?;
    }
    for (key, body) in &items {
        hashes.push(new_hash(auth, tenant, key, body).await?);
    }
    let mut order = (0..items.len()).collect::<Vec<_>>();
    order.sort_unstable_by(|a, b| items[*a].0.cmp(&items[*b].0));

    let now = auth.clock().now();
    let mut tx = auth.pool().begin().await?;
    let mut stored = Vec::with_capacity(items.len());
    for &index in &order {
        let (key, body) = &items[index];
        let one = make_or_lock(auth, &mut tx, tenant, key, body, now).await;
        stored.push(one.map_err(|problem| place(index, problem))?);
    }
    let mut outcomes = vec![Outcome::Unchanged; items.len()];
    let mut locked_out = Vec::new();
    let mut changed = Vec::new();
    for (&index, (user, created)) in order.iter().zip(stored) {
        let writing = Writing {
            principal,
            now,
            created,
        };
        let hash = hashes[index].take();
        if hash.is_some() && !created {
            locked_out.push(user.id);
        }
        let id = user.id;
        let outcome = writing
            .set(&mut tx, user, &items[index].1, hash)
            .await
            .map_err(|problem| place(index, problem))?;
        if outcome != Outcome::Unchanged {
            changed.push(id);
        }
        outcomes[index] = outcome;
    }
    let ended = sessions::end_of_users(&mut tx, tenant, &locked_out).await?;
    tx.commit().await?;
    tell(
        auth,
        tenant,
        items.iter().map(|(key, _)| key.as_str()),
        &changed,
        ended,
    );
    Ok(outcomes)
}

/// After a commit: the cache forgets, the hub asks again, ended sessions lose their connections.
pub(super) fn tell<'a>(
    auth: &AuthState,
    tenant: Uuid,
    keys: impl Iterator<Item = &'a str>,
    changed: &[Uuid],
    ended: Vec<Uuid>,
) {
    for key in keys {
        auth.directory().forget_user(tenant, key);
    }
    for session in ended {
        auth.session_ended(session);
    }
    auth.people_changed(tenant, changed);
}

/// The hash of a password that is really another one. Slow, so before the transaction.
async fn new_hash(
    auth: &AuthState,
    tenant: Uuid,
    key: &str,
    body: &UserBody,
) -> Result<Option<String>, Problem> {
    let Some(password) = &body.password else {
        return Ok(None);
    };
    let mut conn = auth.pool().acquire().await?;
    let known = users::password_hash(&mut conn, tenant, key).await?;
    drop(conn);
    let failed = |error: crate::auth::password::HashFailed| Problem::internal(&error);
    if known.is_some()
        && auth
            .passwords()
            .verify(password.clone(), known)
            .await
            .map_err(failed)?
    {
        return Ok(None);
    }
    auth.passwords()
        .hash(password.clone())
        .await
        .map(Some)
        .map_err(failed)
}

async fn make_or_lock(
    auth: &AuthState,
    conn: &mut PgConnection,
    tenant: Uuid,
    key: &str,
    body: &UserBody,
    now: Timestamp,
) -> Result<(StoredUser, bool), Problem> {
    let new = NewUser {
        id: auth.ids().uuid(),
        tenant,
        key,
        name: &body.name,
        roles: &[Role::Employee.as_str().to_owned()],
    };
    let created = users::create(conn, &new, now).await?.is_some();
    let user = users::lock(conn, tenant, key).await?;
    // Users are never removed, so what could not be created is there to be locked.
    let user = user.ok_or_else(|| Problem::not_found("user"))?;
    if !user.active && !removals::take_back(conn, user.id).await? {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "erasing",
            "The user is being erased, which is not taken back; write them anew when it is done.",
        )
        .at("id"));
    }
    Ok((user, created))
}

struct Writing<'a> {
    principal: &'a Principal,
    now: Timestamp,
    created: bool,
}

impl Writing<'_> {
    async fn set(
        &self,
        conn: &mut PgConnection,
        before: StoredUser,
        body: &UserBody,
        hash: Option<String>,
    ) -> Result<Outcome, Problem> {
        let (tenant, id) = (self.principal.tenant, before.id);
        let mut after = before.clone();
        after.name.clone_from(&body.name);
        after.active = true;
        after.roles = body.roles.clone().unwrap_or(after.roles);
        match &body.login {
            Said::Nothing => {}
            Said::TakenAway => after.login = None,
            Said::This(login) => after.login = Some(login.clone()),
        }
        after.password_hash = hash.or(after.password_hash);
        for (said, id, field) in [
            (&body.manager, &mut after.manager_id, "manager"),
            (&body.deputy, &mut after.deputy_id, "deputy"),
        ] {
            match said {
                Said::Nothing => {}
                Said::TakenAway => *id = None,
                Said::This(key) => {
                    let found = users::find(conn, tenant, std::slice::from_ref(key)).await?;
                    let found = found.into_iter().flatten().next();
                    *id = Some(found.ok_or_else(|| unknown("user", key, field))?);
                }
            }
        }
        match &body.site {
            Said::Nothing => {}
            Said::TakenAway => after.site_id = None,
            Said::This(key) => {
                let found = sites::find(conn, tenant, key).await?;
                after.site_id = Some(found.ok_or_else(|| unknown("site", key, "site"))?);
            }
        }
        let mut changed = after != before;
        if changed {
            users::update(conn, tenant, &after, self.now)
                .await
                .map_err(login_taken)?;
        }
        changed |= self.join(conn, id, body).await?;
        changed |= set_pins(conn, tenant, id, body).await?;
        Ok(match (self.created, changed) {
            (true, _) => Outcome::Created,
            (false, true) => Outcome::Changed,
            (false, false) => Outcome::Unchanged,
        })
    }

    async fn join(
        &self,
        conn: &mut PgConnection,
        id: Uuid,
        body: &UserBody,
    ) -> Result<bool, Problem> {
        let tenant = self.principal.tenant;
        let mut changed = false;
        if let Some(keys) = &body.departments {
            let found = members::departments(conn, tenant, keys).await?;
            let ids = all_known(found, keys, "department", "departments")?;
            changed |= members::set_departments(conn, tenant, id, &ids).await?;
        }
        if let Some(keys) = &body.groups {
            let found = members::groups(conn, tenant, keys).await?;
            let ids = all_known(found, keys, "group", "groups")?;
            changed |= members::set_groups(conn, tenant, id, &ids).await?;
        }
        if let Some(keys) = &body.services {
            let found = members::services(conn, tenant, keys).await?;
            let ids = all_known(found, keys, "service", "services")?;
            changed |= members::set_services(conn, tenant, id, &ids).await?;
        } else if self.created
            && let Some(service) = self.principal.service
        {
            members::join_services(conn, tenant, id, &[service]).await?;
        }
        Ok(changed)
    }
}

async fn set_pins(
    conn: &mut PgConnection,
    tenant: Uuid,
    user: Uuid,
    body: &UserBody,
) -> Result<bool, Problem> {
    let Some(list) = &body.pins else {
        return Ok(false);
    };
    let mut seen = HashSet::new();
    let (mut devices, mut words) = (Vec::new(), Vec::new());
    for pin in list
        .iter()
        .filter(|pin| seen.insert((&pin.device, &pin.pin)))
    {
        devices.push(pin.device.clone());
        words.push(pin.pin.clone());
    }
    match pins::set(conn, tenant, user, &devices, &words).await? {
        Ok(changed) => Ok(changed),
        Err(index) => Err(Problem::new(
            StatusCode::CONFLICT,
            "pin_taken",
            "On this device the PIN already means somebody else.",
        )
        .at(format!("pins[{index}]"))),
    }
}

fn login_taken(error: sqlx::Error) -> Problem {
    if identity::violated(&error) == Some(identity::LOGIN_TAKEN) {
        return Problem::new(
            StatusCode::CONFLICT,
            "login_taken",
            "Somebody else signs in by this name; logins are unique in the installation.",
        )
        .at("login");
    }
    error.into()
}
