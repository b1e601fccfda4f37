//! A publication: validated, before and after its commit.

use std::sync::Arc;

use app::model::delivery::Rule;
use app::model::inbox::Severity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::support::ids;

/// To whom, in inner ids: every name was looked up and found before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Audience {
    /// Users, one by one.
    pub users: Vec<Uuid>,
    /// Everybody in these departments.
    pub departments: Vec<Uuid>,
    /// Everybody in these custom groups.
    pub groups: Vec<Uuid>,
    /// Everybody with one of these roles.
    pub roles: Vec<String>,
    /// Everybody who is a member of the publishing service.
    pub service: bool,
    /// Everybody who was given one of these notifications.
    pub of: Vec<Uuid>,
    /// Nobody of these.
    pub except: Except,
}

/// Who is left out of an audience, in inner ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Except {
    /// Users, one by one.
    pub users: Vec<Uuid>,
    /// Everybody in these departments.
    pub departments: Vec<Uuid>,
    /// Everybody in these custom groups.
    pub groups: Vec<Uuid>,
}

impl Audience {
    /// One user.
    #[must_use]
    pub fn user(user: Uuid) -> Self {
        Self {
            users: vec![user],
            ..Self::default()
        }
    }

    /// What the admin reads under "audience": counts, not ids.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        for (count, one, many) in [
            (self.users.len(), "user", "users"),
            (self.departments.len(), "department", "departments"),
            (self.groups.len(), "group", "groups"),
            (self.roles.len(), "role", "roles"),
            (
                self.of.len(),
                "notification's recipients",
                "notifications' recipients",
            ),
        ] {
            if count > 0 {
                parts.push(format!("{count} {}", if count == 1 { one } else { many }));
            }
        }
        if self.service {
            parts.push("the service".to_owned());
        }
        let except = &self.except;
        let left_out = except.users.len() + except.departments.len() + except.groups.len();
        if left_out > 0 {
            parts.push(format!("but {left_out} left out"));
        }
        parts.join(", ")
    }

    /// Users by name and nothing else.
    #[must_use]
    pub fn is_named_only(&self) -> bool {
        !self.service
            && self.departments.is_empty()
            && self.groups.is_empty()
            && self.roles.is_empty()
            && self.of.is_empty()
            && self.except == Except::default()
    }
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
    /// How hard it is tried: a key of the tenant's classes.
    pub class: Arc<str>,
    /// What settles its deliveries, taken from the class.
    pub rule: Rule,
    /// Which credential published it, for whoever asks later.
    pub publisher: Arc<str>,
    /// To whom.
    pub audience: Audience,
    /// When it stops being worth delivering.
    pub expires_at: Timestamp,
    /// Routed then, and not before.
    pub deliver_at: Option<Timestamp>,
    /// It takes the place of this one, for everybody.
    pub supersedes: Option<Uuid>,
    /// It takes the place of those with the same key, for its own recipients.
    pub collapse_key: Option<String>,
    /// The same key and body again answers the first one's id.
    pub idempotency: Option<Idempotency>,
}

impl Publication {
    /// When it was accepted: the instant inside its id.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        ids::instant_of(self.id).unwrap_or(Timestamp::UNIX_EPOCH)
    }
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
