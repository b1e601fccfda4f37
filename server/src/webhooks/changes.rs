//! Changes of a service's webhooks: the same rules for the API and for the console.

use jiff::SignedDuration;
use sqlx::Connection as _;
use uuid::Uuid;

use super::sender::Webhooks;
use super::target::{self, TargetError};
use super::{Answer, EVENTS, MOST_A_SERVICE, secret};
use crate::store::webhook_tries::{self as tries, Try};
use crate::store::webhooks as store;

/// For so long the secret before the new one signs too.
const ROTATION: SignedDuration = SignedDuration::from_hours(24);
/// Why one is disabled that somebody paused.
pub const PAUSED: &str = "paused by an administrator";
/// What a test is called among the tries.
const TEST: &str = "test";

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No id of a webhook.
    #[error("A webhook's id has 1 to 64 letters, digits or characters of `._-`.")]
    Key,
    /// It was to be new.
    #[error("The service has a webhook \"{0}\" already.")]
    Taken(String),
    /// It cannot be sent to.
    #[error(transparent)]
    Url(#[from] TargetError),
    /// It would tell nothing.
    #[error("At least one of {}.", EVENTS.join(", "))]
    NoEvents,
    /// This one, counted from 0, is none.
    #[error("There is no such event; there are {}.", EVENTS.join(", "))]
    Event(usize),
    /// No secret.
    #[error(
        "A secret is `whsec_` and the base64 of 24 to 64 random bytes; leave it out to have one made."
    )]
    Secret,
    /// A secret, and the wish for one.
    #[error("Bring a secret, or have one made; not both.")]
    TwoSecrets,
    /// The service has as many as it may.
    #[error("The service has {MOST_A_SERVICE} webhooks; remove one first.")]
    TooMany,
    /// The service has none of that id.
    #[error("There is no such webhook.")]
    Unknown,
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Refused {
    /// The field that is wrong, by its name in the API; `None`: it is no field.
    #[must_use]
    pub fn field(&self) -> Option<String> {
        match self {
            Self::Key | Self::Taken(_) => Some("id".to_owned()),
            Self::Url(_) => Some("url".to_owned()),
            Self::NoEvents => Some("events".to_owned()),
            Self::Event(index) => Some(format!("events[{index}]")),
            Self::Secret => Some("secret".to_owned()),
            Self::TwoSecrets => Some("rotate_secret".to_owned()),
            Self::TooMany | Self::Unknown | Self::Database(_) => None,
        }
    }
}

/// What a webhook is to be.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Where to.
    pub url: String,
    /// What of: some of [`EVENTS`].
    pub events: Vec<String>,
    /// `whsec_…`. Left out: one is made, at first; after that the old one stays.
    pub secret: Option<String>,
    /// A new secret is made.
    pub rotate: bool,
    /// Whether it may be there already.
    pub before: Before,
}

/// What a webhook that is written may have been before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Before {
    /// It is made or changed.
    #[default]
    Either,
    /// Refused when it is there already.
    Absent,
    /// Refused when it is not there: who changes one does not bring back what another has just removed.
    Present,
}

impl Wanted {
    /// Checks it; answers the secret it brings, and sorts the events.
    fn check(&mut self, private: bool) -> Result<Option<Vec<u8>>, Refused> {
        target::check(&self.url, private)?;
        if self.events.is_empty() {
            return Err(Refused::NoEvents);
        }
        let none = |event: &String| !EVENTS.contains(&event.as_str());
        if let Some(index) = self.events.iter().position(none) {
            return Err(Refused::Event(index));
        }
        self.events.sort_unstable();
        self.events.dedup();
        match &self.secret {
            None => Ok(None),
            Some(_) if self.rotate => Err(Refused::TwoSecrets),
            Some(text) => secret::read(text).map(Some).ok_or(Refused::Secret),
        }
    }
}

/// A webhook that was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// It was not there before.
    pub created: bool,
    /// What was made for it; told once.
    pub secret: Option<Vec<u8>>,
}

/// A webhook that was tried.
#[derive(Clone, Debug)]
pub struct Tested {
    /// As in the header of the request.
    pub id: Uuid,
    /// What came of it.
    pub answer: Answer,
}

/// Whoever changes a service's webhooks. They have been judged: a person by their role, a program by its scopes.
#[derive(Clone, Copy)]
pub struct Changing<'a> {
    /// Where they are.
    pub webhooks: &'a Webhooks,
    /// Whose service.
    pub tenant: Uuid,
    /// Inner id of the service.
    pub service: Uuid,
}

impl Changing<'_> {
    /// Writes one, and has it sent to again if it was disabled.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn put(self, key: &str, mut wanted: Wanted) -> Result<Written, Refused> {
        check_key(key)?;
        let brought = wanted.check(self.webhooks.allows_private())?;
        let now = self.webhooks.clock.now();
        let mut conn = self.webhooks.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        let count = store::count(&mut tx, self.service).await?;
        let before = store::lock(&mut tx, self.service, key).await?;
        let created = before.is_none();
        let made = match before {
            Some(_) if wanted.before == Before::Absent => {
                return Err(Refused::Taken(key.to_owned()));
            }
            None if wanted.before == Before::Present => return Err(Refused::Unknown),
            None if count >= MOST_A_SERVICE => return Err(Refused::TooMany),
            None => {
                let made = brought.is_none().then(|| secret::make(&self.webhooks.ids));
                let new = store::New {
                    id: self.webhooks.ids.uuid(),
                    tenant: self.tenant,
                    service: self.service,
                    key,
                    url: &wanted.url,
                    events: &wanted.events,
                    secret: brought.as_deref().or(made.as_deref()).unwrap_or_default(),
                };
                store::create(&mut tx, &new, now).await?;
                made
            }
            Some(before) => {
                let made = wanted.rotate.then(|| secret::make(&self.webhooks.ids));
                let next = brought.as_deref().or(made.as_deref());
                let next = next.filter(|secret| *secret != before.secret);
                let next = next.map(|secret| (secret, now + ROTATION));
                let (url, events) = (&wanted.url, &wanted.events);
                store::change(&mut tx, before.id, url, events, next, now).await?;
                made
            }
        };
        tx.commit().await?;
        drop(conn);
        self.webhooks.changed().await?;
        Ok(Written {
            created,
            secret: made,
        })
    }

    /// Changes its secret alone; the one before it signs too for a day. One that is disabled stays so.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn change_secret(self, key: &str, text: &str) -> Result<(), Refused> {
        let next = secret::read(text).ok_or(Refused::Secret)?;
        let now = self.webhooks.clock.now();
        let mut conn = self.webhooks.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        let before = store::lock(&mut tx, self.service, key).await?;
        let before = before.ok_or(Refused::Unknown)?;
        if next != before.secret {
            store::change_secret(&mut tx, before.id, &next, now + ROTATION, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Nothing is sent to it, and nothing noted for it, until it is resumed. One that was disabled before keeps its
    /// reason.
    ///
    /// # Errors
    /// That it is not there.
    pub async fn pause(self, key: &str) -> Result<(), Refused> {
        let now = self.webhooks.clock.now();
        let mut conn = self.webhooks.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        let webhook = store::lock(&mut tx, self.service, key).await?;
        let webhook = webhook.ok_or(Refused::Unknown)?;
        store::disable(&mut tx, webhook.id, PAUSED, now).await?;
        tx.commit().await?;
        drop(conn);
        Ok(self.webhooks.changed().await?)
    }

    /// It is sent to again, beginning with what waits.
    ///
    /// # Errors
    /// That it is not there, or that the settings allow its address no more.
    pub async fn resume(self, key: &str) -> Result<(), Refused> {
        let mut conn = self.webhooks.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        let webhook = store::lock(&mut tx, self.service, key).await?;
        let webhook = webhook.ok_or(Refused::Unknown)?;
        target::check(&webhook.url, self.webhooks.allows_private())?;
        let (url, events) = (&webhook.url, &webhook.events);
        let now = self.webhooks.clock.now();
        store::change(&mut tx, webhook.id, url, events, None, now).await?;
        tx.commit().await?;
        drop(conn);
        Ok(self.webhooks.changed().await?)
    }

    /// Removes one with all that waits for it, if it is there.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn remove(self, key: &str) -> sqlx::Result<()> {
        let mut conn = self.webhooks.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        if let Some(webhook) = store::lock(&mut tx, self.service, key).await? {
            store::remove(&mut tx, webhook.id).await?;
        }
        tx.commit().await?;
        drop(conn);
        self.webhooks.changed().await
    }

    /// Sends one request to see whether it arrives: it is never sent again, and of it nothing is kept but a line among
    /// the tries.
    ///
    /// # Errors
    /// That it is not there.
    pub async fn test(self, key: &str) -> Result<Tested, Refused> {
        let mut conn = self.webhooks.pool.acquire().await?;
        let webhook = store::lock(&mut conn, self.service, key).await?;
        let webhook = webhook.ok_or(Refused::Unknown)?;
        let now = self.webhooks.clock.now();
        let old = store::old_secret(&mut conn, webhook.id, now).await?;
        drop(conn);
        let id = self.webhooks.ids.uuid();
        // As what is really sent: a receiver that has one of the two takes it.
        let secrets = std::iter::once(&webhook.secret[..]).chain(old.as_deref());
        let answer = self.webhooks.test(id, &webhook.url, secrets).await;
        let line = Try {
            message: id,
            nth: 0,
            about: TEST.to_owned(),
            at: self.webhooks.clock.now(),
            status: answer.status.and_then(|status| i16::try_from(status).ok()),
            failure: answer.failure.clone(),
            next_at: None,
        };
        let mut conn = self.webhooks.pool.acquire().await?;
        tries::note(&mut conn, webhook.id, &line).await?;
        Ok(Tested { id, answer })
    }
}

/// A webhook's id: short, and the same in every log.
fn check_key(text: &str) -> Result<(), Refused> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if text.is_empty() || text.len() > 64 || !text.bytes().all(fits) {
        return Err(Refused::Key);
    }
    Ok(())
}
