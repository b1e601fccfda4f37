//! What the admin console follows: not each event, but "it changed", at most once a second and only
//! while somebody looks. A console that pushed every event would die at some thousand connections.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use app::protocol::Patch;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::workflow::Hub;
use crate::delivery::Dispatch as _;
use crate::support::lifecycle::Lifecycle;
use crate::workplace::topics::Topic;

const EVERY: Duration = Duration::from_secs(1);

/// Revisions of the console's lists on this node, a counter a tenant and list. They begin at the
/// process's start in milliseconds, so that a page left open over a restart sees a gap.
pub struct Console {
    base: i64,
    tenants: Mutex<HashMap<Uuid, Lists>>,
}

#[derive(Clone, Copy, Default)]
struct Lists {
    connections: Counter,
    queued: Counter,
}

#[derive(Clone, Copy, Default)]
struct Counter {
    rev: i64,
    told: i64,
}

impl Console {
    pub(crate) fn new(base: i64) -> Self {
        Self {
            base,
            tenants: Mutex::default(),
        }
    }

    /// A connection came, went, or joined or left a group.
    pub(crate) fn connections_changed(&self, tenant: Uuid) {
        self.tenants
            .lock()
            .entry(tenant)
            .or_default()
            .connections
            .rev += 1;
    }

    /// Something is owed, or no longer owed.
    pub fn queue_changed(&self, tenant: Uuid) {
        self.tenants.lock().entry(tenant).or_default().queued.rev += 1;
    }

    /// The revision of a console list; `None` for a topic that is not the console's.
    #[must_use]
    pub fn revision(&self, tenant: Uuid, topic: Topic) -> Option<i64> {
        let lists = self
            .tenants
            .lock()
            .get(&tenant)
            .copied()
            .unwrap_or_default();
        match topic {
            Topic::AdminConnections | Topic::AdminGroups => Some(self.base + lists.connections.rev),
            Topic::AdminQueued => Some(self.base + lists.queued.rev),
            _ => None,
        }
    }

    /// What changed since it was asked last: `(tenant, topic, from, rev)`.
    fn changes(&self) -> Vec<(Uuid, Topic, i64, i64)> {
        let mut changes = Vec::new();
        for (tenant, lists) in &mut *self.tenants.lock() {
            for (counter, topics) in [
                (
                    &mut lists.connections,
                    &[Topic::AdminConnections, Topic::AdminGroups][..],
                ),
                (&mut lists.queued, &[Topic::AdminQueued][..]),
            ] {
                if counter.rev > counter.told {
                    for topic in topics {
                        let (from, rev) = (self.base + counter.told, self.base + counter.rev);
                        changes.push((*tenant, *topic, from, rev));
                    }
                    counter.told = counter.rev;
                }
            }
        }
        changes
    }
}

/// Starts the telling task; it stops when the process does.
pub(crate) fn start(hub: Arc<Hub>, life: &Lifecycle) {
    life.spawn("console", run(hub, life.stopping()));
}

async fn run(hub: Arc<Hub>, stopping: CancellationToken) {
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        for (tenant, topic, from, rev) in hub.shared.console.changes() {
            let patch = Patch {
                topic: topic.wire(),
                from,
                rev,
                upsert: Vec::new(),
                remove: Vec::new(),
                counts: None,
                resync: true,
            };
            hub.patch(tenant, &topic.group(), &patch);
        }
    }
}
