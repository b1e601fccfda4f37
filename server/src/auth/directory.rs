//! Who is who, remembered for seconds: ten thousand reconnects of people who were just here ask
//! the database nothing.
//!
//! Bound: each table holds at most [`BOUND`] entries; a full one is emptied, which costs queries
//! and nothing else. What this process changes is forgotten at once (`forget_*`, called after the
//! commit); what another node or a command changes is seen when the entry has aged out.
//!
//! What is not remembered is read by a few at a time for each table; whoever waited looks again first. Else every
//! request that waits for its key when a database comes back stands in the queue of the pool, a connection is handed
//! to the one whose five seconds are nearly over, and it gives up before it is connected: nobody ever is, as long as
//! the others keep asking.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use app::model::person::Role;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use uuid::Uuid;

use super::principal::Scopes;
use crate::store::{self, Pool};

/// Entries a table holds at most.
pub const BOUND: usize = 65_536;
/// Seconds for people, tenants and services.
const PEOPLE: i64 = 30;
/// Seconds for keys and sessions: how long a revocation made elsewhere may go unseen.
const PROOFS: i64 = 5;
/// How long one waits for those who read before it; as long as for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// A user, shared by all their connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: Uuid,
    pub key: Arc<str>,
    pub name: Arc<str>,
    /// Sorted.
    pub roles: Vec<Role>,
    pub active: bool,
    /// Outer ids, sorted.
    pub departments: Vec<String>,
    pub services: Vec<Uuid>,
}

/// An API key, without its secret.
#[derive(Clone, Debug)]
pub struct ApiKey {
    pub hash: [u8; 32],
    pub scopes: Scopes,
    pub revoked: bool,
    pub tenant: Uuid,
    pub tenant_key: Arc<str>,
    pub service: Uuid,
    pub service_key: Arc<str>,
}

/// A living session and whose it is.
#[derive(Clone, Debug)]
pub struct Holder {
    pub tenant: Uuid,
    pub tenant_key: Arc<str>,
    pub user: Uuid,
    pub user_key: Arc<str>,
    pub user_name: Arc<str>,
    pub roles: Vec<Role>,
}

/// The cache. Every method asks the database only for what it does not remember.
#[derive(Debug)]
pub struct Directory {
    pool: Pool,
    tenants: Table<String, (Uuid, Arc<str>)>,
    services: Table<(Uuid, String), (Uuid, Arc<str>)>,
    users: Table<(Uuid, String), Arc<User>>,
    keys: Table<String, Arc<ApiKey>>,
    sessions: Table<Uuid, Arc<Holder>>,
}

impl Directory {
    /// A directory that remembers nothing yet.
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self {
            pool,
            // Together fewer than the pool has by default. Few tenants, services and keys are asked for by many;
            // users and sessions are each somebody else's.
            tenants: Table::new(PEOPLE, 1),
            services: Table::new(PEOPLE, 1),
            users: Table::new(PEOPLE, 6),
            keys: Table::new(PROOFS, 2),
            sessions: Table::new(PROOFS, 4),
        }
    }

    /// The tenant of this outer id.
    pub async fn tenant(
        &self,
        key: &str,
        now: Timestamp,
    ) -> sqlx::Result<Option<(Uuid, Arc<str>)>> {
        let asked = key.to_owned();
        let (ticket, _turn) = match self.tenants.find(&asked, now).await? {
            Found::Known(found) => return Ok(Some(found)),
            Found::Unknown(ticket, turn) => (ticket, turn),
        };
        let mut conn = self.pool.acquire().await?;
        let Some(id) = store::directory::tenant(&mut conn, key).await? else {
            return Ok(None);
        };
        Ok(Some(self.tenants.put(asked, (id, key.into()), now, ticket)))
    }

    /// The tenant's service of this outer id.
    pub async fn service(
        &self,
        tenant: Uuid,
        key: &str,
        now: Timestamp,
    ) -> sqlx::Result<Option<(Uuid, Arc<str>)>> {
        let asked = (tenant, key.to_owned());
        let (ticket, _turn) = match self.services.find(&asked, now).await? {
            Found::Known(found) => return Ok(Some(found)),
            Found::Unknown(ticket, turn) => (ticket, turn),
        };
        let mut conn = self.pool.acquire().await?;
        let found = store::directory::service(&mut conn, tenant, key).await?;
        let Some(id) = found else { return Ok(None) };
        Ok(Some(self.services.put(
            asked,
            (id, key.into()),
            now,
            ticket,
        )))
    }

    /// The tenant's user of this outer id, whether active or not.
    pub async fn user(
        &self,
        tenant: Uuid,
        key: &str,
        now: Timestamp,
    ) -> sqlx::Result<Option<Arc<User>>> {
        let asked = (tenant, key.to_owned());
        let (ticket, _turn) = match self.users.find(&asked, now).await? {
            Found::Known(found) => return Ok(Some(found)),
            Found::Unknown(ticket, turn) => (ticket, turn),
        };
        let mut conn = self.pool.acquire().await?;
        let Some(row) = store::directory::user(&mut conn, tenant, key).await? else {
            return Ok(None);
        };
        let user = User {
            id: row.id,
            key: row.key.into(),
            name: row.name.into(),
            roles: roles(&row.roles),
            active: row.active,
            departments: row.departments,
            services: row.services,
        };
        Ok(Some(self.users.put(asked, Arc::new(user), now, ticket)))
    }

    /// The API key of this public part, revoked ones too.
    pub async fn key(&self, id: &str, now: Timestamp) -> sqlx::Result<Option<Arc<ApiKey>>> {
        let asked = id.to_owned();
        let (ticket, _turn) = match self.keys.find(&asked, now).await? {
            Found::Known(found) => return Ok(Some(found)),
            Found::Unknown(ticket, turn) => (ticket, turn),
        };
        let mut conn = self.pool.acquire().await?;
        let Some(row) = store::keys::find(&mut conn, id).await? else {
            return Ok(None);
        };
        let Ok(hash) = row.hash.try_into() else {
            return Ok(None);
        };
        let key = ApiKey {
            hash,
            scopes: Scopes::parse(row.scopes.iter().map(String::as_str)),
            revoked: row.revoked,
            tenant: row.tenant_id,
            tenant_key: row.tenant_key.into(),
            service: row.service_id,
            service_key: row.service_key.into(),
        };
        Ok(Some(self.keys.put(asked, Arc::new(key), now, ticket)))
    }

    /// The living session of this id and its active user.
    pub async fn session(&self, id: Uuid, now: Timestamp) -> sqlx::Result<Option<Arc<Holder>>> {
        let (ticket, _turn) = match self.sessions.find(&id, now).await? {
            Found::Known(found) => return Ok(Some(found)),
            Found::Unknown(ticket, turn) => (ticket, turn),
        };
        let mut conn = self.pool.acquire().await?;
        let Some(row) = store::sessions::by_id(&mut conn, id, now).await? else {
            return Ok(None);
        };
        let holder = Holder {
            tenant: row.tenant_id,
            tenant_key: row.tenant_key.into(),
            user: row.user_id,
            user_key: row.user_key.into(),
            user_name: row.user_name.into(),
            roles: roles(&row.roles),
        };
        Ok(Some(self.sessions.put(id, Arc::new(holder), now, ticket)))
    }

    /// After a change to one user.
    pub fn forget_user(&self, tenant: Uuid, key: &str) {
        self.users.remove(&(tenant, key.to_owned()));
        self.sessions.clear();
    }

    /// After a change to many users, a department, a group or a service of any tenant.
    pub fn forget_people(&self) {
        self.users.clear();
        self.services.clear();
        self.sessions.clear();
        // A removed service takes its keys with it.
        self.keys.clear();
    }

    /// After a key was revoked in this process.
    pub fn forget_key(&self, id: &str) {
        self.keys.remove(&id.to_owned());
    }

    /// After a session ended in this process.
    pub fn forget_session(&self, id: Uuid) {
        self.sessions.remove(&id);
    }
}

/// Known roles, sorted, without doubles.
pub(crate) fn roles(words: &[String]) -> Vec<Role> {
    let mut roles = words
        .iter()
        .filter_map(|word| Role::parse(word))
        .collect::<Vec<_>>();
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// A map whose entries age. Whoever missed gets a ticket; what was read under it is only kept
/// when nothing was forgotten meanwhile, so a read that began before a change never outlives it.
#[derive(Debug)]
struct Table<K, V> {
    entries: Mutex<HashMap<K, (V, Timestamp), foldhash::fast::RandomState>>,
    seconds: i64,
    forgotten: AtomicU64,
    /// Whose turn it is to read what is not remembered.
    reads: Semaphore,
}

/// What a look came to.
enum Found<'a, V> {
    Known(V),
    /// The caller reads it, under this ticket, and keeps the turn until it has put what it read.
    Unknown(u64, SemaphorePermit<'a>),
}

impl<K: Eq + Hash, V: Clone> Table<K, V> {
    fn new(seconds: i64, readers: usize) -> Self {
        Self {
            entries: Mutex::default(),
            seconds,
            forgotten: AtomicU64::new(0),
            reads: Semaphore::new(readers),
        }
    }

    /// What is remembered, else the caller's turn to read.
    async fn find(&self, key: &K, now: Timestamp) -> sqlx::Result<Found<'_, V>> {
        if let Ok(value) = self.get(key, now) {
            return Ok(Found::Known(value));
        }
        let turn = timeout(PATIENCE, self.reads.acquire())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
            .map_err(|_| sqlx::Error::PoolClosed)?;
        Ok(match self.get(key, now) {
            Ok(value) => Found::Known(value),
            Err(ticket) => Found::Unknown(ticket, turn),
        })
    }

    fn get(&self, key: &K, now: Timestamp) -> Result<V, u64> {
        let entries = self.entries.lock();
        match entries.get(key) {
            Some((value, read_at)) if now.as_second() - read_at.as_second() < self.seconds => {
                Ok(value.clone())
            }
            _ => Err(self.forgotten.load(Ordering::SeqCst)),
        }
    }

    fn put(&self, key: K, value: V, now: Timestamp, ticket: u64) -> V {
        let mut entries = self.entries.lock();
        if self.forgotten.load(Ordering::SeqCst) == ticket {
            if entries.len() >= BOUND {
                entries.clear();
            }
            entries.insert(key, (value.clone(), now));
        }
        value
    }

    fn remove(&self, key: &K) {
        let mut entries = self.entries.lock();
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        entries.remove(key);
    }

    fn clear(&self) {
        let mut entries = self.entries.lock();
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_ages_and_a_stale_read_is_not_kept() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let table = Table::<&str, u8>::new(30, 1);
        let ticket = table.get(&"a", at(0)).unwrap_err();
        table.put("a", 1, at(0), ticket);
        assert_eq!(table.get(&"a", at(29)), Ok(1));
        let ticket = table.get(&"a", at(30)).unwrap_err();
        // Somebody changes it between our read and our put.
        table.remove(&"a");
        assert_eq!(table.put("a", 1, at(30), ticket), 1);
        assert!(table.get(&"a", at(30)).is_err());
    }

    // PostgreSQL was killed and back within seconds, and the house answered 503 for three minutes more: five hundred
    // publishers, each with the same key that was no longer remembered, stood in the pool's queue.
    #[tokio::test]
    async fn a_herd_with_one_proof_asks_the_database_once() {
        use std::sync::atomic::AtomicUsize;

        let house = crate::testing::house::furnished().await;
        let taken = Arc::new(AtomicUsize::new(0));
        let counted = taken.clone();
        let pool = sqlx::postgres::PgPoolOptions::new()
            .max_connections(4)
            .test_before_acquire(false)
            .before_acquire(move |_, _| {
                counted.fetch_add(1, Ordering::SeqCst);
                Box::pin(async { Ok(true) })
            })
            .connect_with((*house.connect_options()).clone())
            .await
            .unwrap();
        let directory = Directory::new(pool);
        let now = Timestamp::from_second(1).unwrap();
        let herd = (0..500).map(|_| directory.tenant("a", now));
        let found = futures_util::future::join_all(herd).await;
        assert!(found.iter().all(|one| matches!(one, Ok(Some(_)))));
        assert_eq!(taken.load(Ordering::SeqCst), 1);
    }
}
