//! Who is here: connections by public id, for the hub. By token: [`crate::places`].
//!
//! Sharded maps under short locks, never held across an await.

use std::{
    collections::HashMap,
    hash::BuildHasher,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::Connection;

const SHARDS: u64 = 64;

type Shard<V> = Mutex<HashMap<Arc<str>, Arc<V>, RandomState>>;

/// A map that many tasks change at once.
#[derive(Debug)]
pub(crate) struct Sharded<V> {
    shards: Box<[Shard<V>]>,
    hasher: RandomState,
}

impl<V> Sharded<V> {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::default(),
        }
    }

    fn shard(&self, key: &str) -> &Shard<V> {
        let hash = self.hasher.hash_one(key) % SHARDS;
        &self.shards[usize::try_from(hash).unwrap_or_default()]
    }

    pub(crate) fn get(&self, key: &str) -> Option<Arc<V>> {
        self.shard(key).lock().get(key).cloned()
    }

    pub(crate) fn insert(&self, key: Arc<str>, value: Arc<V>) {
        self.shard(&key).lock().insert(key, value);
    }

    pub(crate) fn remove(&self, key: &str) -> Option<Arc<V>> {
        self.shard(key).lock().remove(key)
    }

    pub(crate) fn values(&self) -> Vec<Arc<V>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(shard.lock().values().cloned());
        }
        all
    }
}

#[derive(Debug)]
pub(crate) struct Registry<P> {
    /// By public id, from the handshake to the end.
    live: Sharded<Connection<P>>,
    /// Running sessions, handshake included.
    sessions: AtomicUsize,
    /// Told whenever `sessions` becomes zero.
    emptied: Notify,
}

impl<P> Registry<P> {
    pub(crate) fn new() -> Self {
        Self {
            live: Sharded::new(),
            sessions: AtomicUsize::new(0),
            emptied: Notify::new(),
        }
    }

    pub(crate) fn session(self: &Arc<Self>) -> SessionCount<P> {
        self.sessions.fetch_add(1, Ordering::AcqRel);
        SessionCount(Arc::clone(self))
    }

    pub(crate) fn enter(&self, connection: &Arc<Connection<P>>) {
        self.live
            .insert(connection.id().into(), Arc::clone(connection));
    }

    pub(crate) fn leave(&self, connection: &Connection<P>) {
        self.live.remove(connection.id());
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Connection<P>>> {
        self.live.get(id)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Connection<P>>> {
        self.live.values()
    }

    pub(crate) fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Acquire)
    }

    /// Returns once no session runs.
    pub(crate) async fn wait_until_empty(&self) {
        loop {
            // Registered before looking, so that the last one's message is not missed.
            let emptied = self.emptied.notified();
            if self.sessions() == 0 {
                return;
            }
            emptied.await;
        }
    }
}

/// One running session; counts itself out when dropped, also by a panic.
#[derive(Debug)]
pub(crate) struct SessionCount<P>(Arc<Registry<P>>);

impl<P> Drop for SessionCount<P> {
    fn drop(&mut self) {
        if self.0.sessions.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.emptied.notify_waiters();
        }
    }
}
