//! A small company for the tests of the workplace, and a dispatcher that remembers.

use std::sync::Arc;

use app::model::person::Role;
use app::protocol::Patch;
use parking_lot::Mutex;
use uuid::Uuid;

use super::topics::Topic;
use super::{Actor, Workplace};
use crate::delivery::{Classes, Dispatch, Routed};
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;
use crate::testing;

/// Remembers what was sent after commits.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    patches: Mutex<Vec<(Uuid, String, Patch)>>,
    routed: Mutex<Vec<Routed>>,
}

impl Dispatch for Recorder {
    fn deliver(&self, routed: &[Routed]) {
        self.routed.lock().extend_from_slice(routed);
    }

    fn patch(&self, tenant: Uuid, group: &str, patch: &Patch) {
        self.patches
            .lock()
            .push((tenant, group.to_owned(), patch.clone()));
    }
}

/// A workplace on a database of its own.
pub(crate) struct Place {
    pub workplace: Workplace,
    pub clock: Clock,
    recorder: Arc<Recorder>,
}

/// A tenant of it.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub id: Uuid,
    pub service: Uuid,
}

impl Place {
    /// Opens at `start`; the clock moves only when told.
    pub(crate) async fn open(start: &str) -> Self {
        let pool = testing::database().await;
        testing::partitions(&pool, &start[..10], 3).await;
        let clock = Clock::manual(start.parse().unwrap());
        let recorder = Arc::new(Recorder::default());
        let workplace = Workplace {
            pool,
            dispatch: recorder.clone(),
            clock: clock.clone(),
            ids: Ids::new(clock.clone()),
            classes: Arc::new(Classes::built_in()),
            pages: Arc::default(),
            life: Lifecycle::new(),
        };
        Self {
            workplace,
            clock,
            recorder,
        }
    }

    /// A tenant with a service and the sites `leeds`, `rotterdam` and `kochi`.
    pub(crate) async fn tenant(&self, key: &str) -> Tenant {
        let tenant = Tenant {
            id: self.workplace.ids.uuid(),
            service: self.workplace.ids.uuid(),
        };
        let pool = &self.workplace.pool;
        sqlx::query("INSERT INTO bellhop.tenant VALUES ($1, $2, $2, now())")
            .bind(tenant.id)
            .bind(key)
            .execute(pool)
            .await
            .unwrap();
        sqlx::query("INSERT INTO bellhop.service VALUES ($1, $2, 'workplace', 'W', '{}', now())")
            .bind(tenant.service)
            .bind(tenant.id)
            .execute(pool)
            .await
            .unwrap();
        for (site, zone) in [
            ("leeds", "Europe/London"),
            ("rotterdam", "Europe/Amsterdam"),
            ("kochi", "Asia/Kolkata"),
        ] {
            sqlx::query("INSERT INTO bellhop.site VALUES ($1, $2, $3, $3, $4)")
                .bind(self.workplace.ids.uuid())
                .bind(tenant.id)
                .bind(site)
                .bind(zone)
                .execute(pool)
                .await
                .unwrap();
        }
        tenant
    }

    /// A user of it, with a manager and a site when named.
    pub(crate) async fn user(
        &self,
        tenant: &Tenant,
        key: &str,
        manager: Option<&Actor>,
        site: Option<&str>,
    ) -> Actor {
        let id = self.workplace.ids.uuid();
        sqlx::query(
            "INSERT INTO bellhop.user_account
                    (id, tenant_id, key, name, manager_id, site_id, created_at, updated_at)
             VALUES ($1, $2, $3, initcap($3), $4,
                     (SELECT id FROM bellhop.site WHERE tenant_id = $2 AND key = $5), now(), now())",
        )
        .bind(id)
        .bind(tenant.id)
        .bind(key)
        .bind(manager.map(|actor| actor.user))
        .bind(site)
        .execute(&self.workplace.pool)
        .await
        .unwrap();
        sqlx::query("INSERT INTO bellhop.user_stream (user_id, tenant_id) VALUES ($1, $2)")
            .bind(id)
            .bind(tenant.id)
            .execute(&self.workplace.pool)
            .await
            .unwrap();
        Actor {
            tenant: tenant.id,
            user: id,
            roles: vec![Role::Employee],
        }
    }

    /// A PIN that means somebody on one device.
    pub(crate) async fn pin(&self, actor: &Actor, device: &str, pin: &str) {
        sqlx::query("INSERT INTO bellhop.device_user VALUES ($1, $2, $3, $4)")
            .bind(actor.tenant)
            .bind(device)
            .bind(pin)
            .bind(actor.user)
            .execute(&self.workplace.pool)
            .await
            .unwrap();
    }

    /// The patches sent to a topic so far, in order of their revisions.
    pub(crate) fn patches(&self, tenant: &Tenant, topic: Topic) -> Vec<Patch> {
        let group = topic.group();
        let mut patches: Vec<Patch> = self
            .recorder
            .patches
            .lock()
            .iter()
            .filter(|(of, to, _)| *of == tenant.id && *to == group)
            .map(|(_, _, patch)| patch.clone())
            .collect();
        patches.sort_by_key(|patch| patch.rev);
        patches
    }

    /// Kinds of the notifications sent so far, with how many users were given a number.
    pub(crate) fn kinds(&self) -> Vec<(String, usize)> {
        self.recorder
            .routed
            .lock()
            .iter()
            .map(|one| (one.publication.kind.clone(), one.recipients.len()))
            .collect()
    }

    /// How many rows a statement with the tenant as its one parameter counts.
    pub(crate) async fn count(&self, statement: &'static str, tenant: &Tenant) -> i64 {
        sqlx::query_scalar(statement)
            .bind(tenant.id)
            .fetch_one(&self.workplace.pool)
            .await
            .unwrap()
    }
}
