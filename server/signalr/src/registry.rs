//! Who is here: connections by their secret token, for requests, and by public id, for the hub.
//!
//! Sharded maps under short locks, never held across an await. Reservations that nobody used are
//! thrown out by the next negotiate and are invisible before that, so no task is needed for them.

use std::{
    collections::{HashMap, VecDeque},
    hash::BuildHasher,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::{Connection, slot::Slot};

const SHARDS: u64 = 64;

type Shard<V> = Mutex<HashMap<Arc<str>, Arc<V>, RandomState>>;

/// A map that many tasks change at once.
#[derive(Debug)]
struct Sharded<V> {
    shards: Box<[Shard<V>]>,
    hasher: RandomState,
}

impl<V> Sharded<V> {
    fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::default(),
        }
    }

    fn shard(&self, key: &str) -> &Shard<V> {
        let hash = self.hasher.hash_one(key) % SHARDS;
        &self.shards[usize::try_from(hash).unwrap_or_default()]
    }

    fn get(&self, key: &str) -> Option<Arc<V>> {
        self.shard(key).lock().get(key).cloned()
    }

    fn insert(&self, key: Arc<str>, value: Arc<V>) {
        self.shard(&key).lock().insert(key, value);
    }

    fn remove(&self, key: &str) -> Option<Arc<V>> {
        self.shard(key).lock().remove(key)
    }

    fn values(&self) -> Vec<Arc<V>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(shard.lock().values().cloned());
        }
        all
    }
}

#[derive(Debug)]
pub(crate) struct Registry<P> {
    /// By token. Entered by negotiate; removed by the transport that used it, or when expired.
    slots: Sharded<Slot<P>>,
    /// By public id, from the handshake to the end.
    live: Sharded<Connection<P>>,
    /// When each reservation ends, oldest first: all last equally long.
    reservations: Mutex<VecDeque<(Instant, Arc<str>)>>,
    /// Running sessions, handshake included.
    sessions: AtomicUsize,
    /// Told whenever `sessions` becomes zero.
    emptied: Notify,
}

impl<P> Registry<P> {
    pub(crate) fn new() -> Self {
        Self {
            slots: Sharded::new(),
            live: Sharded::new(),
            reservations: Mutex::default(),
            sessions: AtomicUsize::new(0),
            emptied: Notify::new(),
        }
    }

    /// Keeps a place until `until`.
    pub(crate) fn reserve(&self, slot: Slot<P>, until: Instant) {
        let token = Arc::clone(&slot.token);
        self.slots.insert(Arc::clone(&token), Arc::new(slot));
        let mut reservations = self.reservations.lock();
        reservations.push_back((until, token));
        let now = Instant::now();
        while reservations.front().is_some_and(|(until, _)| *until <= now) {
            let Some((_, token)) = reservations.pop_front() else {
                break;
            };
            if self
                .slots
                .get(&token)
                .is_some_and(|slot| slot.is_expired(now))
            {
                self.slots.remove(&token);
            }
        }
    }

    pub(crate) fn slot(&self, token: &str) -> Option<Arc<Slot<P>>> {
        self.slots
            .get(token)
            .filter(|slot| !slot.is_expired(Instant::now()))
    }

    pub(crate) fn forget(&self, token: &str) {
        self.slots.remove(token);
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
