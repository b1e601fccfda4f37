//! Which class a publication gets: the one its publisher names, else its kind's, else the tenant's
//! default; and whether its kind is a client method of its own. Kept in memory, for the hot path asks at every
//! publication.
//!
//! Bound: as many as the tenants keep; read anew every five seconds, and at once by the node on which
//! one was changed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use app::model::delivery::{Class, Rule};
use app::protocol::WITHDRAWN;
use arc_swap::ArcSwap;
use jiff::SignedDuration;
use tokio::sync::Notify;
use uuid::Uuid;

use super::AckMode;
use crate::store::{Pool, classes as store};
use crate::support::lifecycle::Lifecycle;

const EVERY: Duration = Duration::from_secs(5);
/// The class that is always there.
const STANDARD: &str = "standard";
/// Kinds of this product's own: they are known to every tenant. What the workplace publishes, as its own
/// documents name it, and what takes items back.
const OWN: [&str; 4] = [WITHDRAWN, "NewTask", "DocumentApproved", "DocumentRejected"];

/// All tenants' classes. Cheap to read.
pub struct Classes {
    pool: Option<Pool>,
    table: ArcSwap<Table>,
    /// Rung when it is to be read anew at once.
    again: Notify,
}

#[derive(Default)]
struct Table {
    built_in: HashMap<Arc<str>, Arc<Class>>,
    tenants: HashMap<Uuid, Own>,
    /// Of services that have another than 1.
    weights: HashMap<Uuid, usize>,
    /// Of services whose devices do not begin with `transport`.
    ack_modes: HashMap<Uuid, AckMode>,
}

/// What a tenant set itself.
#[derive(Default)]
struct Own {
    default: Option<Arc<str>>,
    /// The other side of a thread is told what was read.
    read_receipts: bool,
    /// What is not in `kinds` is invoked as `Notification`.
    only_known: bool,
    /// The kinds it knows, and the class each has of its own.
    kinds: HashMap<String, Option<Arc<str>>>,
    classes: HashMap<Arc<str>, Arc<Class>>,
}

/// A class by its key.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Its key.
    pub key: Arc<str>,
    /// What it says.
    pub class: Arc<Class>,
    /// What settles a delivery of it.
    pub rule: Rule,
}

/// The tenant has no class of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownClass;

impl Chosen {
    fn new(key: &Arc<str>, class: &Arc<Class>) -> Self {
        Self {
            key: key.clone(),
            class: class.clone(),
            rule: Rule {
                ack_by: class.ack_by,
                sufficient: class.sufficient,
                hidden: false,
            },
        }
    }

    /// How long it is worth delivering.
    #[must_use]
    pub fn life(&self) -> SignedDuration {
        SignedDuration::from_secs(self.class.life.into())
    }
}

impl Classes {
    /// The built-in ones only.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            pool: None,
            table: ArcSwap::from_pointee(Table {
                built_in: built_in(),
                ..Table::default()
            }),
            again: Notify::new(),
        }
    }

    /// One class for everything: for a history that nobody escalates any more.
    #[must_use]
    pub fn standard_only() -> Self {
        let mut built_in = built_in();
        built_in.retain(|key, _| &**key == STANDARD);
        Self {
            pool: None,
            table: ArcSwap::from_pointee(Table {
                built_in,
                ..Table::default()
            }),
            again: Notify::new(),
        }
    }

    /// Reads all, and again every five seconds until the process stops.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open(pool: Pool, life: &Lifecycle) -> sqlx::Result<Arc<Self>> {
        let classes = Arc::new(Self {
            pool: Some(pool),
            ..Self::built_in()
        });
        classes.reload().await?;
        let (again, stopping) = (classes.clone(), life.stopping());
        life.spawn("classes", async move {
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(EVERY) => {}
                    () = again.again.notified() => {}
                }
                if let Err(error) = again.reload().await {
                    tracing::debug!(%error, "classes not read; those known stay");
                }
            }
        });
        Ok(classes)
    }

    /// Reads all now: somebody changed one.
    ///
    /// # Errors
    /// When the database does not answer; what was known stays.
    pub async fn reload(&self) -> sqlx::Result<()> {
        let Some(pool) = &self.pool else {
            return Ok(());
        };
        let mut conn = pool.acquire().await?;
        let rows = store::all(&mut conn).await?;
        let mut tenants: HashMap<Uuid, Own> = HashMap::new();
        let (mut weights, mut ack_modes) = (HashMap::new(), HashMap::new());
        for row in rows {
            let own = tenants.entry(row.tenant).or_default();
            match row.what.as_str() {
                "weight" => {
                    if let (Ok(service), Ok(weight)) = (row.key.parse(), row.value.parse()) {
                        weights.insert(service, weight);
                    }
                }
                "acks" => {
                    if let (Ok(service), Ok(mode)) = (row.key.parse(), AckMode::parse(&row.value)) {
                        ack_modes.insert(service, mode);
                    }
                }
                "default" => own.default = Some(row.value.into()),
                "read_receipts" => own.read_receipts = true,
                "unknown_kinds" => own.only_known = row.value == "notification",
                "kind" => {
                    let class = (!row.value.is_empty()).then(|| row.value.into());
                    own.kinds.insert(row.key, class);
                }
                _ => match serde_json::from_str::<Class>(&row.value) {
                    Ok(class) if class.check().is_ok() => {
                        own.classes.insert(row.key.into(), Arc::new(class));
                    }
                    // Written by hand or by a later version: the built-in one serves, if there is one.
                    _ => {
                        tracing::warn!(tenant = %row.tenant, class = row.key, "the class cannot be read");
                    }
                },
            }
        }
        self.table.store(Arc::new(Table {
            built_in: built_in(),
            tenants,
            weights,
            ack_modes,
        }));
        Ok(())
    }

    /// Whether the tenant wants the other side of a thread to be told what was read.
    #[must_use]
    pub fn read_receipts(&self, tenant: Uuid) -> bool {
        let table = self.table.load();
        table
            .tenants
            .get(&tenant)
            .is_some_and(|own| own.read_receipts)
    }

    /// Whether an item of this kind is invoked as its own method, and not as `Notification`. Always, unless the
    /// tenant wants that only of the kinds it knows.
    #[must_use]
    pub fn has_method(&self, tenant: Uuid, kind: &str) -> bool {
        let table = self.table.load();
        match table.tenants.get(&tenant) {
            Some(own) if own.only_known => own.kinds.contains_key(kind) || OWN.contains(&kind),
            _ => true,
        }
    }

    /// The class of a publication.
    ///
    /// # Errors
    /// [`UnknownClass`]: the publisher names one that is not there. A kind whose class is gone, and a
    /// default that is, fall back to `standard`.
    pub fn choose(
        &self,
        tenant: Uuid,
        kind: &str,
        asked: Option<&str>,
    ) -> Result<Chosen, UnknownClass> {
        let table = self.table.load();
        match asked {
            Some(key) => table.find(tenant, key).ok_or(UnknownClass),
            None => Ok(table.of_kind(tenant, kind, STANDARD)),
        }
    }

    /// The class of a kind; `fallback` for one the tenant says nothing about.
    #[must_use]
    pub fn choose_or(&self, tenant: Uuid, kind: &str, fallback: &str) -> Chosen {
        self.table.load().of_kind(tenant, kind, fallback)
    }

    /// The class by its key; the tenant's default if it is gone.
    #[must_use]
    pub fn get(&self, tenant: Uuid, key: &str) -> Chosen {
        let table = self.table.load();
        table
            .find(tenant, key)
            .unwrap_or_else(|| table.of_kind(tenant, "", STANDARD))
    }

    /// Classes of the tenant that are told in sum beyond so many.
    #[must_use]
    pub fn backlogs(&self, tenant: Uuid) -> Vec<(Arc<str>, u32)> {
        let table = self.table.load();
        let Some(own) = table.tenants.get(&tenant) else {
            return Vec::new(); // no built-in class is
        };
        own.classes
            .iter()
            .filter_map(|(key, class)| Some((key.clone(), class.backlog?)))
            .collect()
    }

    /// A service's share when several publish at once.
    #[must_use]
    pub fn weight(&self, service: Uuid) -> usize {
        self.table
            .load()
            .weights
            .get(&service)
            .copied()
            .unwrap_or(1)
    }

    /// How devices of this service's users acknowledge when their connection does not say.
    #[must_use]
    pub fn ack_mode(&self, service: Uuid) -> AckMode {
        let table = self.table.load();
        table.ack_modes.get(&service).copied().unwrap_or_default()
    }

    /// Somebody changed services: what is kept of them is read again now, and not in five seconds.
    pub fn services_changed(&self) {
        self.again.notify_one();
    }

    /// Every class that deliveries may have, with its tenant; the nil one for the built-in.
    #[must_use]
    pub fn list(&self) -> Vec<(Uuid, Arc<str>, Arc<Class>)> {
        let table = self.table.load();
        let built_in = table.built_in.iter();
        let own = table.tenants.iter().flat_map(|(tenant, own)| {
            own.classes
                .iter()
                .map(|(key, class)| (*tenant, key.clone(), class.clone()))
        });
        built_in
            .map(|(key, class)| (Uuid::nil(), key.clone(), class.clone()))
            .chain(own)
            .collect()
    }
}

impl Table {
    fn find(&self, tenant: Uuid, key: &str) -> Option<Chosen> {
        let own = self.tenants.get(&tenant);
        let (key, class) = own
            .and_then(|own| own.classes.get_key_value(key))
            .or_else(|| self.built_in.get_key_value(key))?;
        Some(Chosen::new(key, class))
    }

    fn of_kind(&self, tenant: Uuid, kind: &str, fallback: &str) -> Chosen {
        let own = self.tenants.get(&tenant);
        let of_kind = own.and_then(|own| own.kinds.get(kind)?.as_deref());
        let default = own.and_then(|own| own.default.as_deref());
        // A fallback other than the standard one is the better answer than a tenant's default.
        let special = (fallback != STANDARD).then_some(fallback);
        [of_kind, special, default, Some(STANDARD)]
            .into_iter()
            .flatten()
            .find_map(|key| self.find(tenant, key))
            .unwrap_or_else(|| {
                let (key, class) = built_in()
                    .into_iter()
                    .find(|(key, _)| &**key == STANDARD)
                    .expect("the standard class is built in");
                Chosen::new(&key, &class)
            })
    }
}

fn built_in() -> HashMap<Arc<str>, Arc<Class>> {
    Class::built_in()
        .into_iter()
        .map(|(key, class)| (key.into(), Arc::new(class)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::house::furnished;

    #[tokio::test]
    async fn the_publisher_then_the_kind_then_the_default() {
        let pool = furnished().await;
        let classes = Classes::open(pool.clone(), &Lifecycle::new())
            .await
            .unwrap();
        let tenant: Uuid = sqlx::query_scalar("SELECT id FROM bellhop.tenant WHERE key = 'a'")
            .fetch_one(&pool)
            .await
            .unwrap();
        let key = |kind: &str, asked: Option<&str>| {
            let chosen = classes.choose(tenant, kind, asked);
            chosen.map(|chosen| chosen.key.to_string())
        };
        assert_eq!(key("Fire", None).as_deref(), Ok("standard"));
        for statement in [
            "INSERT INTO bellhop.class SELECT id, 'loud', '{\"life\":60}', now() FROM bellhop.tenant WHERE key = 'a'",
            "INSERT INTO bellhop.class SELECT id, 'broken', '{}', now() FROM bellhop.tenant WHERE key = 'a'",
            "INSERT INTO bellhop.kind SELECT id, 'Fire', 'loud', now() FROM bellhop.tenant WHERE key = 'a'",
            "INSERT INTO bellhop.kind SELECT id, 'Gone', 'nowhere', now() FROM bellhop.tenant WHERE key = 'a'",
            "UPDATE bellhop.tenant SET default_class = 'info' WHERE key = 'a'",
        ] {
            sqlx::query(statement).execute(&pool).await.unwrap();
        }
        classes.reload().await.unwrap();
        assert_eq!(key("Fire", None).as_deref(), Ok("loud"));
        assert_eq!(key("Fire", Some("urgent")).as_deref(), Ok("urgent"));
        assert_eq!(key("Other", None).as_deref(), Ok("info"));
        assert_eq!(key("Gone", None).as_deref(), Ok("info"));
        assert_eq!(key("Other", Some("broken")), Err(UnknownClass));
        assert_eq!(
            &*classes.get(Uuid::nil(), "loud").key,
            "standard",
            "another tenant's"
        );
        assert_eq!(
            &*classes.choose_or(tenant, "NewTask", "decision").key,
            "decision"
        );
        assert_eq!(&*classes.choose_or(tenant, "Fire", "decision").key, "loud");
    }
}
