//! Which tenants have a webhook, kept in memory: every ack asks.
//!
//! Read anew every five seconds, and at once by the node on which one was changed: what another node does in the five
//! seconds after a tenant's first webhook was made may go untold.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::store::{Pool, webhooks as store};
use crate::support::lifecycle::Lifecycle;

const EVERY: Duration = Duration::from_secs(5);

/// Tenants with a webhook. Written by the reading task, read by whoever moves deliveries.
#[derive(Debug, Default)]
pub struct Interest {
    tenants: ArcSwap<HashSet<Uuid, RandomState>>,
    /// Rung when something was noted.
    pub(super) bell: Notify,
}

impl Interest {
    /// Reads all, and again every five seconds until the process stops.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open(pool: Pool, life: &Lifecycle) -> sqlx::Result<Arc<Self>> {
        let interest = Arc::new(Self::default());
        interest.reload(&pool).await?;
        let (again, stopping) = (interest.clone(), life.stopping());
        life.spawn("webhook interest", async move {
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(EVERY) => {}
                }
                if let Err(error) = again.reload(&pool).await {
                    tracing::debug!(%error, "webhooks not read, those known stay");
                }
            }
        });
        Ok(interest)
    }

    /// Reads all now.
    ///
    /// # Errors
    /// Whatever the database answers; what was known stays.
    pub async fn reload(&self, pool: &Pool) -> sqlx::Result<()> {
        let mut conn = pool.acquire().await?;
        let tenants = store::tenants(&mut conn).await?;
        self.tenants.store(Arc::new(tenants.into_iter().collect()));
        Ok(())
    }

    /// Has the tenant a webhook?
    #[must_use]
    pub fn has(&self, tenant: Uuid) -> bool {
        let tenants = self.tenants.load();
        !tenants.is_empty() && tenants.contains(&tenant)
    }

    /// Has anybody?
    #[must_use]
    pub fn is_any(&self) -> bool {
        !self.tenants.load().is_empty()
    }

    /// Something was noted: it is committed.
    pub fn noted(&self) {
        self.bell.notify_one();
    }
}
