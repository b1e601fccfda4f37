//! Who calls, once it was established: the only thing later rooms ask.

use std::sync::Arc;

use app::model::person::Role;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::problem::Problem;

/// A caller whose proof was checked. Ids without `_key` are inner ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub tenant: Uuid,
    pub tenant_key: Arc<str>,
    /// The service the proof names; a signed-in page names none.
    pub service: Option<Uuid>,
    pub service_key: Option<Arc<str>>,
    pub who: Who,
    /// Always empty for a user, whatever their token says.
    pub scopes: Scopes,
    /// Of a user, as the database has them now.
    pub roles: Vec<Role>,
    /// The device a user's token was made for.
    pub device: Option<String>,
    /// When the proof ends, and with it a connection of the hub. An API key has no end.
    pub expires_at: Option<Timestamp>,
    /// The session of our own screens that the token is bound to.
    pub session: Option<Uuid>,
}

/// What kind of caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A person, by a user token or a hub token.
    User {
        id: Uuid,
        key: Arc<str>,
        name: Arc<str>,
    },
    /// A back end, by API key.
    Key { id: Arc<str> },
    /// A back end, by a token that names a service and no user.
    Service,
}

impl Principal {
    /// Refuses with 403 when the caller lacks the scope.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.has(scope) {
            return Ok(());
        }
        let word = scope.as_str();
        Err(Problem::forbidden(match self.who {
            Who::User { .. } => format!(
                "This needs the scope `{word}`, which no user token has: call with an API key or a service's token."
            ),
            Who::Key { .. } | Who::Service => {
                format!("This needs the scope `{word}`, which this credential does not have.")
            }
        }))
    }

    /// The inner id and key of the user; 403 for a back end, which is nobody.
    pub fn user(&self) -> Result<(Uuid, &Arc<str>), Problem> {
        match &self.who {
            Who::User { id, key, .. } => Ok((*id, key)),
            Who::Key { .. } | Who::Service => Err(Problem::forbidden(
                "This needs the token of a user; this one names none.",
            )),
        }
    }

    /// What a notification is said to have been published by.
    #[must_use]
    pub fn publisher(&self) -> String {
        match &self.who {
            Who::User { key, .. } => format!("user:{key}"),
            Who::Key { id } => format!("key:{id}"),
            Who::Service => "token".to_owned(),
        }
    }

    /// The service it speaks for; 403 when the proof names none.
    pub fn require_service(&self) -> Result<Uuid, Problem> {
        self.service
            .ok_or_else(|| Problem::forbidden("The credential names no service."))
    }
}

/// What a back end may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Publish notifications.
    Publish,
    /// Read deliveries and acks of the tenant-service.
    Read,
    /// Record punches for anybody.
    Punch,
    /// Create, change and remove users, departments, groups, services and sites.
    Provision,
}

impl Scope {
    const ALL: [Self; 4] = [Self::Publish, Self::Read, Self::Punch, Self::Provision];

    /// The word in tokens, keys and settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Read => "read",
            Self::Punch => "punch",
            Self::Provision => "provision",
        }
    }

    /// Reads the word; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    fn bit(self) -> u8 {
        match self {
            Self::Publish => 1,
            Self::Read => 2,
            Self::Punch => 4,
            Self::Provision => 8,
        }
    }
}

/// A set of [`Scope`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// Contains it?
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// What both have.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Reads words; unknown ones are passed over (a token may carry other systems' scopes).
    #[must_use]
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        words.into_iter().filter_map(Scope::parse).collect()
    }

    /// The words, in a fixed order.
    #[must_use]
    pub fn words(self) -> Vec<String> {
        Scope::ALL
            .into_iter()
            .filter(|scope| self.has(*scope))
            .map(|scope| scope.as_str().to_owned())
            .collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_a_set_of_known_words() {
        let scopes = Scopes::parse(["read", "openid", "publish", "read"]);
        assert_eq!(scopes.words(), ["publish", "read"]);
        assert!(!scopes.has(Scope::Provision));
        assert_eq!(
            scopes.and(Scopes::parse(["read", "punch"])).words(),
            ["read"]
        );
    }
}
