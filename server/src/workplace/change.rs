//! The end of every use case that changes something, always in this order: append to the ledger,
//! raise the revisions of the screens, read what the patches say, commit, dispatch.
//!
//! Rows and counts of a patch are read *after* their topic's revision was raised. The revision's
//! row lock holds until the commit, so two changes of one screen come one after the other and each
//! sees what the one before it did; read any earlier, both would count without the other, and the
//! wrong number would stay on screen until the next change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use app::protocol::Patch;
use jiff::Timestamp;
use serde::Serialize;
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::Workplace;
use super::topics::Topic;
use crate::delivery::{Dispatch, Publication, Routed, ledger, withdraw};
use crate::store;

/// What a transaction is about to tell, gathered while it does its work.
#[derive(Debug)]
pub struct Change {
    tenant: Uuid,
    publications: Vec<Arc<Publication>>,
    taken_back: Vec<TakenBack>,
    topics: BTreeSet<Topic>,
}

/// What nobody needs any more: notifications of one kind in a thread, but for those of this change.
#[derive(Debug)]
struct TakenBack {
    service: Uuid,
    thread: String,
    kind: &'static str,
    /// What the withdrawal will have.
    id: Uuid,
}

impl Change {
    /// Nothing to tell yet.
    #[must_use]
    pub fn new(tenant: Uuid) -> Self {
        Self {
            tenant,
            publications: Vec::new(),
            taken_back: Vec::new(),
            topics: BTreeSet::new(),
        }
    }

    /// Inner id of the tenant it is in.
    #[must_use]
    pub fn tenant(&self) -> Uuid {
        self.tenant
    }

    /// A notification that commits together with the change.
    pub fn publish(&mut self, publication: Publication) {
        self.publications.push(Arc::new(publication));
    }

    /// What was sent before of this kind in this thread is done with: it disappears from every screen, once
    /// this is committed. `id`: for the withdrawal.
    pub fn take_back(&mut self, service: Uuid, thread: String, kind: &'static str, id: Uuid) {
        self.taken_back.push(TakenBack {
            service,
            thread,
            kind,
            id,
        });
    }

    /// A screen that shows something else from now on.
    pub fn touch(&mut self, topic: Topic) {
        self.topics.insert(topic);
    }

    /// Appends to the ledger, then takes the last locks: the revisions of all touched topics.
    pub async fn seal(self, conn: &mut PgConnection, now: Timestamp) -> sqlx::Result<Sealed> {
        let mut sealed = Sealed {
            tenant: self.tenant,
            ..Sealed::default()
        };
        let own: BTreeSet<Uuid> = self.publications.iter().map(|one| one.id).collect();
        if !self.publications.is_empty() {
            sealed.routed = ledger::append(&mut *conn, self.publications, now).await?;
        }
        for one in self.taken_back {
            let whose = (self.tenant, one.service);
            let mut ids =
                store::withdraw::of_thread(conn, whose, &one.thread, Some(one.kind), now).await?;
            ids.retain(|id| !own.contains(id));
            withdraw::cancel(conn, whose, &ids, "decided", one.id, now).await?;
        }
        // Sorted by the name, which is what is locked.
        let mut topics: Vec<(String, Topic)> = self
            .topics
            .into_iter()
            .map(|topic| (topic.group(), topic))
            .collect();
        topics.sort();
        let names: Vec<String> = topics.iter().map(|(name, _)| name.clone()).collect();
        let revs = if names.is_empty() {
            Vec::new()
        } else {
            store::topic::raise(conn, self.tenant, &names).await?
        };
        for ((name, topic), rev) in topics.into_iter().zip(revs) {
            sealed.patches.insert(
                name,
                Patch {
                    topic: topic.wire(),
                    from: rev - 1,
                    rev,
                    upsert: Vec::new(),
                    remove: Vec::new(),
                    counts: None,
                    resync: false,
                },
            );
        }
        Ok(sealed)
    }
}

/// What goes out once the transaction that holds its locks has committed.
#[derive(Debug, Default)]
#[must_use = "a change that is never sent stays invisible until the screens ask again"]
pub struct Sealed {
    tenant: Uuid,
    routed: Vec<Routed>,
    patches: BTreeMap<String, Patch>,
}

impl Sealed {
    /// A row as it is now. The topic must have been touched; otherwise there is nothing to patch.
    pub fn upsert(&mut self, topic: Topic, row: &impl Serialize) {
        self.fill(topic, serde_json::to_value(row).ok(), |patch, row| {
            patch.upsert.push(row);
        });
    }

    /// A row that is in none of the topic's lists any more.
    pub fn remove(&mut self, topic: Topic, key: impl Into<String>) {
        self.fill(topic, Some(key.into()), |patch, key| patch.remove.push(key));
    }

    /// The topic's counts, absolute.
    pub fn counts(&mut self, topic: Topic, counts: &impl Serialize) {
        self.fill(topic, serde_json::to_value(counts).ok(), |patch, counts| {
            patch.counts = Some(counts);
        });
    }

    /// What changed differs from viewer to viewer: each fetches for themselves.
    pub fn resync(&mut self, topic: Topic) {
        self.fill(topic, Some(()), |patch, ()| patch.resync = true);
    }

    /// A value that cannot be written as JSON makes the patch a resync: never wrong, only dearer.
    fn fill<T>(&mut self, topic: Topic, value: Option<T>, put: impl FnOnce(&mut Patch, T)) {
        if let Some(patch) = self.patches.get_mut(&topic.group()) {
            match value {
                Some(value) => put(patch, value),
                None => patch.resync = true,
            }
        }
    }

    /// Commits `tx` and dispatches, in a task of its own: when the caller hangs up in between, what
    /// is committed is delivered all the same.
    pub async fn commit(
        self,
        tx: Transaction<'static, Postgres>,
        workplace: &Workplace,
    ) -> sqlx::Result<()> {
        let dispatch = Arc::clone(&workplace.dispatch);
        let pages = Arc::clone(&workplace.pages);
        let task = workplace.life.tracker().spawn(async move {
            tx.commit().await?;
            pages.notify_one();
            self.send(&*dispatch);
            Ok(())
        });
        task.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    /// Sends. Only after the commit.
    pub fn send(&self, dispatch: &dyn Dispatch) {
        if !self.routed.is_empty() {
            dispatch.deliver(&self.routed);
        }
        for (group, patch) in &self.patches {
            dispatch.patch(self.tenant, group, patch);
        }
    }
}
