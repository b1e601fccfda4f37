//! 3. Store and route: a valid publication becomes rows, one delivery a recipient with that
//! recipient's next number, in one commit; then it goes to the connections that are here.
//!
//! Guarantees: `docs/guarantees.md`. Only [`ledger`] writes numbers. Callers: the HTTP API through
//! the committer, the SQL intake through its router, the workplace inside its own transactions.

pub mod ledger;

use std::sync::Arc;

use app::model::inbox::Severity;
use app::protocol::Patch;
use jiff::Timestamp;
use uuid::Uuid;

/// To whom, in inner ids: every name was looked up and found before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Users, one by one.
    pub users: Vec<Uuid>,
    /// Everybody in these departments.
    pub departments: Vec<Uuid>,
    /// Everybody in these custom groups.
    pub groups: Vec<Uuid>,
    /// Everybody who is a member of the publishing service.
    pub service: bool,
}

/// A publication that was validated: nothing about it can be refused any more.
#[derive(Clone, Debug)]
pub struct Publication {
    /// UUIDv7; its instant is the notification's `at`.
    pub id: Uuid,
    /// Inner id of the tenant.
    pub tenant: Uuid,
    /// Inner id of the publishing service.
    pub service: Uuid,
    /// `[A-Za-z][A-Za-z0-9_]{0,63}`, no hub-internal name.
    pub kind: String,
    /// One line, not empty.
    pub title: String,
    /// May be empty.
    pub body: String,
    /// A JSON object as text, without the reserved names.
    pub data: String,
    /// Items of one thread replace each other on screen.
    pub thread_key: Option<String>,
    /// How loud.
    pub severity: Severity,
    /// To whom.
    pub audience: Audience,
    /// When it stops being worth delivering.
    pub expires_at: Timestamp,
    /// The same key and body again answers the first one's id.
    pub idempotency: Option<Idempotency>,
}

/// What makes a repeated publish recognisable. Both are SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Of the caller's key.
    pub key_hash: [u8; 32],
    /// Of the body without the key.
    pub body_hash: [u8; 32],
}

/// A publication after its commit: whom it went to, under which numbers.
#[derive(Clone, Debug)]
pub struct Routed {
    /// What was published; shared by all its recipients.
    pub publication: Arc<Publication>,
    /// `(user, seq)`, sorted by user, each user once.
    pub recipients: Vec<(Uuid, i64)>,
}

/// Where things go after the commit. The hub implements it; tests record it.
pub trait Dispatch: Send + Sync + 'static {
    /// Lossless: to every connection of each recipient, through its gate. Never blocks.
    fn deliver(&self, routed: &[Routed]);

    /// Conflated: to every connection in the group `(tenant, group)`. Never blocks, may be lost;
    /// its receivers notice by the revision and fetch again.
    fn patch(&self, tenant: Uuid, group: &str, patch: &Patch);
}
