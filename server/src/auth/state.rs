//! What `auth` holds, and the way in: a proof becomes a [`Principal`] here.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use app::backend::Caller;
use jiff::Timestamp;
use uuid::Uuid;

use super::api_key::{self, KeyUses};
use super::device_key;
use super::directory::Directory;
use super::extract::Surface;
use super::fault::Fault;
use super::jwt::hub::{self, HubKey};
use super::jwt::keys::VerificationKeys;
use super::jwt::{self, Peek};
use super::password::Passwords;
use super::principal::Principal;
use crate::api::problem::Problem;
use crate::store::{self, Pool};
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;

/// Settings of this section.
#[derive(Clone, Copy, Debug)]
pub struct AuthSettings {
    /// Create a user first seen in a valid token, with membership of the token's service.
    pub create_users: bool,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self { create_users: true }
    }
}

/// Called with a tenant and its users.
pub type PeopleChanged = dyn Fn(Uuid, &[Uuid]) + Send + Sync;

/// What others want to be told. Called after the commit; must not block.
#[derive(Clone)]
pub struct Hooks {
    /// A session ended: the hub closes its connections.
    pub session_ended: Arc<dyn Fn(Uuid) + Send + Sync>,
    /// Tenant, users: roles, memberships or the account changed; the hub asks again who they are.
    pub people_changed: Arc<PeopleChanged>,
    /// Users were removed: what is owed to them ends.
    pub people_removed: Arc<dyn Fn() + Send + Sync>,
    /// A service was made, changed or removed: the allowed origins are read again.
    pub services_changed: Arc<dyn Fn() + Send + Sync>,
}

/// Everything needed to say who calls. Cheap to clone.
#[derive(Clone)]
pub struct AuthState(Arc<Inner>);

struct Inner {
    pool: Pool,
    clock: Clock,
    ids: Ids,
    keys: VerificationKeys,
    hub: HubKey,
    settings: AuthSettings,
    directory: Directory,
    uses: KeyUses,
    passwords: Passwords,
    /// Set once, when the hub stands; before that nobody is connected.
    hooks: OnceLock<Hooks>,
}

impl AuthState {
    /// Reads the installation's hub secret.
    pub async fn open(
        pool: Pool,
        clock: Clock,
        ids: Ids,
        keys: VerificationKeys,
        settings: AuthSettings,
    ) -> sqlx::Result<Self> {
        let secret = store::directory::hub_secret(&mut *pool.acquire().await?).await?;
        Ok(Self(Arc::new(Inner {
            directory: Directory::new(pool.clone()),
            pool,
            clock,
            ids,
            keys,
            hub: HubKey::new(&secret),
            settings,
            uses: KeyUses::default(),
            passwords: Passwords::default(),
            hooks: OnceLock::new(),
        })))
    }

    /// Says whom to tell. The second call has no effect.
    pub fn set_hooks(&self, hooks: Hooks) {
        let _ = self.0.hooks.set(hooks);
    }

    /// Who shows this token? `surface` says where: our own hub tokens are good for the hub only.
    pub async fn authenticate(&self, token: &str, surface: Surface) -> Result<Principal, Problem> {
        let principal = if token.starts_with(api_key::PREFIX) {
            self.principal_of_key(token).await
        } else if token.starts_with(device_key::PREFIX) {
            self.principal_of_device(token).await
        } else {
            self.principal_of_token(token, surface).await
        };
        principal.inspect_err(|problem| tracing::debug!(code = problem.code, "proof refused"))
    }

    async fn principal_of_token(
        &self,
        token: &str,
        surface: Surface,
    ) -> Result<Principal, Problem> {
        let now = self.0.clock.now();
        let peek = Peek::at(token)?;
        if peek.is_hub() {
            let claims = self.0.hub.verify(token, now)?;
            if surface != Surface::Hub {
                return Err(Fault::WrongAudience.into());
            }
            return self.principal_of_session(claims).await;
        }
        self.principal_of(jwt::verify_peeked(token, &peek, &self.0.keys, now)?)
            .await
    }

    /// Tells that a session ended: forgets it and has its connections closed.
    pub fn session_ended(&self, session: Uuid) {
        self.0.directory.forget_session(session);
        if let Some(hooks) = self.0.hooks.get() {
            (hooks.session_ended)(session);
        }
    }

    /// Tells that these users changed.
    pub fn people_changed(&self, tenant: Uuid, users: &[Uuid]) {
        if let Some(hooks) = self.0.hooks.get().filter(|_| !users.is_empty()) {
            (hooks.people_changed)(tenant, users);
        }
    }

    /// Tells that users were removed.
    pub fn people_removed(&self) {
        if let Some(hooks) = self.0.hooks.get() {
            (hooks.people_removed)();
        }
    }

    /// Tells that services changed.
    pub fn services_changed(&self) {
        if let Some(hooks) = self.0.hooks.get() {
            (hooks.services_changed)();
        }
    }

    /// The chores: once a minute key uses are written down and expired sessions swept.
    pub fn spawn_chores(&self, life: &Lifecycle) {
        let (auth, stopping) = (self.clone(), life.stopping());
        life.spawn("auth chores", async move {
            loop {
                let stop = tokio::select! {
                    () = tokio::time::sleep(Duration::from_mins(1)) => false,
                    () = stopping.cancelled() => true,
                };
                if let Err(error) = auth.chores().await {
                    tracing::warn!(%error, "key uses or expired sessions not written; next minute again");
                }
                if stop {
                    return;
                }
            }
        });
    }

    /// One round of the chores.
    pub async fn chores(&self) -> sqlx::Result<()> {
        self.0.uses.flush(&self.0.pool).await?;
        let mut conn = self.0.pool.acquire().await?;
        let ended = store::sessions::sweep(&mut conn, self.0.clock.now()).await?;
        drop(conn);
        for session in ended {
            self.session_ended(session);
        }
        Ok(())
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.0.pool
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn ids(&self) -> &Ids {
        &self.0.ids
    }

    pub(crate) fn settings(&self) -> AuthSettings {
        self.0.settings
    }

    /// The cache of who is who; whoever changes people tells it.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.0.directory
    }

    /// Hashes and compares passwords, two at a time in the whole process.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    pub(super) fn key_uses(&self) -> &KeyUses {
        &self.0.uses
    }

    fn hub(&self) -> &HubKey {
        &self.0.hub
    }
}

/// A token for the hub, five minutes, bound to the caller's session; with the instant it ends.
pub fn hub_token(auth: &AuthState, caller: &Caller) -> Result<(String, Timestamp), Problem> {
    let now = auth.clock().now();
    let (tenant, user) = (Uuid::from_u128(caller.tenant), Uuid::from_u128(caller.user));
    let token = auth
        .hub()
        .mint(tenant, user, Uuid::from_u128(caller.session), now)
        .map_err(|error| Problem::internal(&error))?;
    let ends = now + jiff::SignedDuration::from_secs(i64::from(hub::LIFETIME));
    Ok((token, ends))
}
