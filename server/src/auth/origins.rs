//! Which web origins may use the hub and the API from a browser: those that services name, exact.
//!
//! A snapshot in memory, read on every request of a browser, replaced every few seconds and at once
//! when this process changes a service. Database away: the last one stands. Callers: `api::cors`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use uuid::Uuid;

use super::principal::Principal;
use crate::store::Pool;
use crate::store::identity::services::{self, Guests};
use crate::support::lifecycle::Lifecycle;

/// How long a change made by another node may go unseen.
const REFRESH: Duration = Duration::from_secs(5);

/// Handle to the snapshot. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Origins(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// How browsers name this very site when a proxy changes `Host`; from the settings.
    own: Vec<String>,
    snapshot: ArcSwap<Snapshot>,
    changed: Notify,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Snapshot {
    /// Of any service: a preflight carries no token, so it can only be asked of all.
    all: HashSet<String>,
    services: HashMap<Uuid, HashSet<String>>,
    tenants: HashMap<Uuid, HashSet<String>>,
}

impl Snapshot {
    fn of(guests: Vec<Guests>) -> Self {
        let mut this = Self::default();
        for one in guests {
            for origin in one.origins {
                this.tenants
                    .entry(one.tenant)
                    .or_default()
                    .insert(origin.clone());
                this.services
                    .entry(one.service)
                    .or_default()
                    .insert(origin.clone());
                this.all.insert(origin);
            }
        }
        this
    }
}

impl Origins {
    /// Reads the first snapshot and keeps it fresh until the process stops.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start(pool: Pool, own: Vec<String>, life: &Lifecycle) -> sqlx::Result<Self> {
        let this = Self(Arc::new(Inner {
            own,
            snapshot: ArcSwap::from_pointee(read(&pool).await?),
            changed: Notify::new(),
        }));
        let (kept, stopping) = (this.clone(), life.stopping());
        life.spawn("origins", async move {
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(REFRESH) => {}
                    () = kept.0.changed.notified() => {}
                }
                match read(&pool).await {
                    Ok(snapshot) => kept.0.snapshot.store(Arc::new(snapshot)),
                    Err(error) => {
                        tracing::debug!(%error, "allowed origins not read; the last stand");
                    }
                }
            }
        });
        Ok(this)
    }

    /// Tells that a service was changed; called after the commit.
    pub fn changed(&self) {
        self.0.changed.notify_one();
    }

    /// Is it this very site, by the settings?
    #[must_use]
    pub fn is_own(&self, origin: &str) -> bool {
        self.0.own.iter().any(|own| own == origin)
    }

    /// Does any service allow it?
    #[must_use]
    pub fn knows(&self, origin: &str) -> bool {
        self.0.snapshot.load().all.contains(origin)
    }

    /// May this caller come from there? Their service decides; for a proof that names none, any
    /// service of their tenant.
    #[must_use]
    pub fn allow(&self, principal: &Principal, origin: &str) -> bool {
        let snapshot = self.0.snapshot.load();
        let named = match principal.service {
            Some(service) => snapshot.services.get(&service),
            None => snapshot.tenants.get(&principal.tenant),
        };
        named.is_some_and(|origins| origins.contains(origin))
    }
}

async fn read(pool: &Pool) -> sqlx::Result<Snapshot> {
    services::guests(&mut *pool.acquire().await?)
        .await
        .map(Snapshot::of)
}
