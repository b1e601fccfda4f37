//! Changes of a tenant's classes, kinds and default: checked against each other under one lock, committed,
//! and known to this process before the caller is answered. Others read them within five seconds.
//!
//! A class settles what is published from then on; what was routed before keeps its rule, but climbs the
//! ladder as it is now.

use std::collections::BTreeMap;

use app::model::delivery::{Class, Flaw};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Connection as _;
use utoipa::ToSchema;
use uuid::Uuid;

use super::classes::Classes;
use super::draft;
use crate::store::{Pool, classes as store};

/// Words of the API's paths.
const RESERVED: [&str; 2] = ["default", "preview"];
/// Own classes a tenant may have, and kinds it may know: all are kept in memory.
const MOST: usize = 1_000;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No key of a class.
    #[error(
        "A class's key is a lower-case letter, then at most 63 lower-case letters, digits, `_` or `-`, and \
         neither `default` nor `preview`."
    )]
    Key,
    /// No kind.
    #[error("A kind is a letter followed by at most 63 letters, digits or underscores.")]
    Kind,
    /// What the class says cannot be.
    #[error("{}", .0.cure)]
    Flaw(Flaw),
    /// A kind or the default would have a class that is not there.
    #[error("There is no class \"{0}\". Make it first: PUT /api/v1/classes/{0}.")]
    Unknown(String),
    /// The class is the default, or a kind has it, and no built-in one of its key would take over.
    #[error("{0} Give them another class first.")]
    InUse(String),
    /// Too many.
    #[error("At most {MOST} of them.")]
    TooMany,
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A tenant's classes as they stand.
#[derive(Debug)]
pub struct Shelf {
    /// The class of kinds that have none.
    pub default: String,
    /// By key, the built-in ones first in their own order.
    pub classes: Vec<Kept>,
    /// What kinds are invoked as that are not in `kinds`.
    pub unknown_kinds: Invoke,
    /// The kinds the tenant knows and the keys of their own classes, by kind.
    pub kinds: BTreeMap<String, Option<String>>,
}

/// Which client method an item of a kind is invoked as that the tenant does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Invoke {
    /// The method of the kind's name, as if it were known.
    Kind,
    /// `Notification`, whose `kind` tells which it is.
    Notification,
}

impl Invoke {
    fn word(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Notification => "notification",
        }
    }

    fn of(word: &str) -> Self {
        match word {
            "notification" => Self::Notification,
            _ => Self::Kind,
        }
    }

    /// As the tenant has it.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn read(conn: &mut sqlx::PgConnection, tenant: Uuid) -> sqlx::Result<Self> {
        Ok(Self::of(&store::unknown_kinds(conn, tenant).await?))
    }
}

/// A class on the shelf.
#[derive(Debug)]
pub struct Kept {
    /// Its key.
    pub key: String,
    /// A built-in one of the key is there, or behind it.
    pub built_in: bool,
    /// The tenant wrote it.
    pub own: bool,
    /// What it says.
    pub class: Class,
}

impl Shelf {
    /// Reads it.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn read(conn: &mut sqlx::PgConnection, tenant: Uuid) -> sqlx::Result<Self> {
        let set = store::of_tenant(conn, tenant).await?;
        let mut own: BTreeMap<String, Class> = set
            .classes
            .into_iter()
            .filter_map(|(key, rules)| {
                let class: Class = serde_json::from_str(&rules).ok()?;
                class.check().is_ok().then_some((key, class))
            })
            .collect();
        let built_in = Class::built_in().into_iter().map(|(key, class)| {
            let own = own.remove(key);
            Kept {
                key: key.to_owned(),
                built_in: true,
                own: own.is_some(),
                class: own.unwrap_or(class),
            }
        });
        let mut classes: Vec<Kept> = built_in.collect();
        classes.extend(own.into_iter().map(|(key, class)| Kept {
            key,
            built_in: false,
            own: true,
            class,
        }));
        Ok(Self {
            default: set.default,
            unknown_kinds: Invoke::of(&set.unknown_kinds),
            classes,
            kinds: set.kinds.into_iter().collect(),
        })
    }

    fn get(&self, key: &str) -> Option<&Kept> {
        self.classes.iter().find(|kept| kept.key == key)
    }

    /// Whoever would be left without a class if `key` were gone, in words; `None`: nobody.
    fn users_of(&self, key: &str) -> Option<String> {
        let kinds: Vec<&str> = self
            .kinds
            .iter()
            .filter(|(_, class)| class.as_deref() == Some(key))
            .map(|(kind, _)| kind.as_str())
            .collect();
        let more = kinds.len().saturating_sub(5);
        let named = kinds.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let kinds = match (kinds.len(), more) {
            (0, _) => String::new(),
            (_, 0) => format!("These kinds have it: {named}."),
            _ => format!("These kinds have it: {named} and {more} more."),
        };
        match (self.default == key, kinds.is_empty()) {
            (false, true) => None,
            (true, true) => Some("It is the default class.".to_owned()),
            (true, false) => Some(format!("It is the default class. {kinds}")),
            (false, false) => Some(kinds),
        }
    }
}

/// Whoever changes a tenant's classes.
#[derive(Clone, Copy)]
pub struct Changing<'a> {
    /// Where they are.
    pub pool: &'a Pool,
    /// Who reads them for every publication.
    pub classes: &'a Classes,
    /// Whose.
    pub tenant: Uuid,
    /// Now.
    pub now: Timestamp,
}

impl Changing<'_> {
    /// Writes a class; answers whether it is new to the tenant.
    ///
    /// # Errors
    /// [`Refused`]; nothing was changed then.
    pub async fn put_class(self, key: &str, class: &Class) -> Result<bool, Refused> {
        if !is_key(key) {
            return Err(Refused::Key);
        }
        class.check().map_err(Refused::Flaw)?;
        let rules = serde_json::to_string(class).map_err(|_| Refused::Key)?;
        let mut conn = self.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        store::lock(&mut tx, self.tenant).await?;
        let kept = Shelf::read(&mut tx, self.tenant).await?;
        let new = !kept.get(key).is_some_and(|one| one.own);
        if new && kept.classes.len() >= MOST {
            return Err(Refused::TooMany);
        }
        store::set_class(&mut tx, self.tenant, key, &rules, self.now).await?;
        tx.commit().await?;
        self.classes.reload().await?;
        Ok(new)
    }

    /// Removes a class; the built-in one of its key, if there is one, is back.
    ///
    /// # Errors
    /// [`Refused`]; nothing was changed then.
    pub async fn remove_class(self, key: &str) -> Result<(), Refused> {
        let mut conn = self.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        store::lock(&mut tx, self.tenant).await?;
        let kept = Shelf::read(&mut tx, self.tenant).await?;
        if let Some(one) = kept.get(key)
            && !one.built_in
            && let Some(users) = kept.users_of(key)
        {
            return Err(Refused::InUse(users));
        }
        store::remove_class(&mut tx, self.tenant, key).await?;
        tx.commit().await?;
        self.classes.reload().await?;
        Ok(())
    }

    /// Makes a kind known, with a class of its own or without.
    ///
    /// # Errors
    /// [`Refused`]; nothing was changed then.
    pub async fn set_kind(self, kind: &str, class: Option<&str>) -> Result<(), Refused> {
        if !draft::is_kind(kind) {
            return Err(Refused::Kind);
        }
        let mut conn = self.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        store::lock(&mut tx, self.tenant).await?;
        let kept = Shelf::read(&mut tx, self.tenant).await?;
        if let Some(class) = class
            && kept.get(class).is_none()
        {
            return Err(Refused::Unknown(class.to_owned()));
        }
        if !kept.kinds.contains_key(kind) && kept.kinds.len() >= MOST {
            return Err(Refused::TooMany);
        }
        store::set_kind(&mut tx, self.tenant, kind, class, self.now).await?;
        tx.commit().await?;
        self.classes.reload().await?;
        Ok(())
    }

    /// Forgets a kind, and which class it had.
    ///
    /// # Errors
    /// [`Refused`]; nothing was changed then.
    pub async fn remove_kind(self, kind: &str) -> Result<(), Refused> {
        if !draft::is_kind(kind) {
            return Err(Refused::Kind);
        }
        let mut conn = self.pool.acquire().await?;
        store::remove_kind(&mut conn, self.tenant, kind).await?;
        drop(conn);
        self.classes.reload().await?;
        Ok(())
    }

    /// What kinds are invoked as that the tenant does not know.
    ///
    /// # Errors
    /// Whatever the database answers; nothing was changed then.
    pub async fn set_unknown_kinds(self, invoked_as: Invoke) -> sqlx::Result<()> {
        let mut conn = self.pool.acquire().await?;
        store::set_unknown_kinds(&mut conn, self.tenant, invoked_as.word()).await?;
        drop(conn);
        self.classes.reload().await
    }

    /// Whether the other side of a thread is told what was read.
    ///
    /// # Errors
    /// Whatever the database answers; nothing was changed then.
    pub async fn set_read_receipts(self, told: bool) -> sqlx::Result<()> {
        let mut conn = self.pool.acquire().await?;
        store::set_read_receipts(&mut conn, self.tenant, told).await?;
        drop(conn);
        self.classes.reload().await
    }

    /// The class of kinds that have none.
    ///
    /// # Errors
    /// [`Refused`]; nothing was changed then.
    pub async fn set_default(self, class: &str) -> Result<(), Refused> {
        let mut conn = self.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        store::lock(&mut tx, self.tenant).await?;
        let kept = Shelf::read(&mut tx, self.tenant).await?;
        if kept.get(class).is_none() {
            return Err(Refused::Unknown(class.to_owned()));
        }
        store::set_default(&mut tx, self.tenant, class).await?;
        tx.commit().await?;
        self.classes.reload().await?;
        Ok(())
    }
}

/// What the table's own check says, and no word of the API's paths.
#[must_use]
pub fn is_key(key: &str) -> bool {
    let mut bytes = key.bytes();
    key.len() <= 64
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
        })
        && !RESERVED.contains(&key)
}
