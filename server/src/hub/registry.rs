//! Who is here: this node's open connections by user and by group.
//!
//! Sharded maps under short locks that are never held across an await or another shard's lock.
//! A group's key is always (tenant, name): `user:42` exists in every tenant.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use uuid::Uuid;

use super::client::Client;

/// A power of two; 64 locks make contention on 2 to 64 cores unlikely.
const SHARDS: usize = 64;

/// Connections by key, behind one lock.
type Shard<K> = Mutex<HashMap<K, Vec<Arc<Client>>, RandomState>>;

struct Sharded<K> {
    shards: Vec<Shard<K>>,
    hasher: RandomState,
}

impl<K: Hash + Eq + Clone> Sharded<K> {
    fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::default(),
        }
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> &Shard<K> {
        let hash = usize::try_from(self.hasher.hash_one(key) >> 32).unwrap_or(0);
        &self.shards[hash % SHARDS]
    }

    fn add(&self, key: K, client: &Arc<Client>) {
        self.shard(&key)
            .lock()
            .entry(key)
            .or_default()
            .push(client.clone());
    }

    fn remove(&self, key: &K, client: &Arc<Client>) {
        let mut shard = self.shard(key).lock();
        if let Some(list) = shard.get_mut(key) {
            list.retain(|other| !Arc::ptr_eq(other, client));
            if list.is_empty() {
                shard.remove(key);
            }
        }
    }

    fn first<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Arc<Client>>
    where
        K: Borrow<Q>,
    {
        self.shard(key)
            .lock()
            .get(key)
            .and_then(|list| list.first().cloned())
    }

    fn get(&self, key: &K) -> Vec<Arc<Client>> {
        self.shard(key).lock().get(key).cloned().unwrap_or_default()
    }

    fn is_empty(&self, key: &K) -> bool {
        !self.shard(key).lock().contains_key(key)
    }

    fn keys(&self) -> Vec<K> {
        let mut keys = Vec::new();
        for shard in &self.shards {
            keys.extend(shard.lock().keys().cloned());
        }
        keys
    }

    fn all(&self) -> Vec<(K, Vec<Arc<Client>>)> {
        self.shards
            .iter()
            .flat_map(|shard| {
                let shard = shard.lock();
                shard
                    .iter()
                    .map(|(key, list)| (key.clone(), list.clone()))
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

/// A group's key: tenant and name.
pub(crate) type GroupKey = (Uuid, Arc<str>);

/// The open connections of this node.
pub(crate) struct Registry {
    users: Sharded<Uuid>,
    groups: Sharded<GroupKey>,
    ids: Sharded<Arc<str>>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            users: Sharded::new(),
            groups: Sharded::new(),
            ids: Sharded::new(),
        }
    }

    /// Makes a connection findable. Before its first page is read: whatever commits from now on is
    /// either in that page or offered to the gate.
    pub(crate) fn add(&self, client: &Arc<Client>) {
        self.ids.add(client.line.id().into(), client);
        self.users.add(client.user, client);
    }

    /// Forgets a connection and its memberships.
    pub(crate) fn remove(&self, client: &Arc<Client>) {
        self.users.remove(&client.user, client);
        self.ids.remove(&client.line.id().into(), client);
        for group in client.take_groups() {
            self.groups.remove(&(client.tenant, group), client);
        }
    }

    pub(crate) fn join(&self, client: &Arc<Client>, group: &str) {
        let name: Arc<str> = group.into();
        if client.note_group(&name) {
            self.groups.add((client.tenant, name), client);
        }
    }

    pub(crate) fn leave(&self, client: &Arc<Client>, group: &str) {
        let name: Arc<str> = group.into();
        if client.drop_group(&name) {
            self.groups.remove(&(client.tenant, name), client);
        }
    }

    pub(crate) fn of_user(&self, user: Uuid) -> Vec<Arc<Client>> {
        self.users.get(&user)
    }

    /// Everybody with a connection.
    pub(crate) fn users(&self) -> Vec<Uuid> {
        self.users.keys()
    }

    pub(crate) fn is_online(&self, user: Uuid) -> bool {
        !self.users.is_empty(&user)
    }

    pub(crate) fn of_group(&self, tenant: Uuid, group: &str) -> Vec<Arc<Client>> {
        self.groups.get(&(tenant, group.into()))
    }

    /// The connection with this public id.
    pub(crate) fn by_id(&self, id: &str) -> Option<Arc<Client>> {
        self.ids.first(id)
    }

    /// Every connection of this node, in no order.
    pub(crate) fn all(&self) -> Vec<Arc<Client>> {
        self.ids
            .all()
            .into_iter()
            .flat_map(|(_, list)| list)
            .collect()
    }

    /// Every connection of a tenant, in no order.
    pub(crate) fn of_tenant(&self, tenant: Uuid) -> Vec<Arc<Client>> {
        let mut all = self.all();
        all.retain(|client| client.tenant == tenant);
        all
    }

    /// Every group of a tenant with somebody in it, in no order.
    pub(crate) fn groups_of_tenant(&self, tenant: Uuid) -> Vec<(Arc<str>, Vec<Arc<Client>>)> {
        self.groups
            .all()
            .into_iter()
            .filter(|((owner, _), _)| *owner == tenant)
            .map(|((_, name), list)| (name, list))
            .collect()
    }
}
