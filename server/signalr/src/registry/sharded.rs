//! A map that many tasks change at once: short locks, never held across an await.

use std::{collections::HashMap, hash::BuildHasher, sync::Arc};

use foldhash::fast::RandomState;
use parking_lot::Mutex;

const SHARDS: u64 = 64;

type Shard<V> = Mutex<HashMap<Arc<str>, Arc<V>, RandomState>>;

/// By string, in 64 shards.
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

    /// The value, made by `new` if there is none.
    pub(crate) fn get_or_insert(&self, key: &str, new: impl FnOnce(Arc<str>) -> V) -> Arc<V> {
        let mut shard = self.shard(key).lock();
        if let Some(value) = shard.get(key) {
            return Arc::clone(value);
        }
        let key: Arc<str> = key.into();
        let value = Arc::new(new(Arc::clone(&key)));
        shard.insert(key, Arc::clone(&value));
        value
    }

    /// Removes the value if it is still the one meant.
    pub(crate) fn remove_if(&self, key: &str, meant: impl FnOnce(&Arc<V>) -> bool) {
        let mut shard = self.shard(key).lock();
        if shard.get(key).is_some_and(meant) {
            shard.remove(key);
        }
    }

    pub(crate) fn remove(&self, key: &str) -> Option<Arc<V>> {
        self.shard(key).lock().remove(key)
    }

    /// Calls `with` for each value, one shard locked at a time.
    pub(crate) fn each(&self, with: &mut dyn FnMut(&Arc<V>)) {
        for shard in &self.shards {
            shard.lock().values().for_each(&mut *with);
        }
    }

    pub(crate) fn values(&self) -> Vec<Arc<V>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(shard.lock().values().cloned());
        }
        all
    }
}
