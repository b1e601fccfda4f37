//! What our own screens are about: [`approvals`] (who asks, who decides) and [`attendance`] (who
//! is here, by their last punch).
//!
//! Each use case is one function and one transaction: its own rows, then what it publishes, then
//! the revisions of the screens it changes ([`change`]). After the commit, and only then, the
//! notifications and the screens' patches go out. Callers: the HTTP API, the screens' backend, the
//! SQL intake and the demo. Nothing here knows of HTTP or of connections.

pub mod approvals;
pub mod attendance;
pub mod change;
pub mod error;
#[cfg(test)]
pub(crate) mod fixture;
pub mod inbox;
pub mod topics;

use std::sync::Arc;

use app::backend::Caller;
use app::model::person::Role;
use tokio::sync::Notify;
use uuid::Uuid;

pub use error::WorkplaceError;

use crate::delivery::{Classes, Dispatch};
use crate::store::Pool;
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;

/// What every use case needs. Cheap to clone.
#[derive(Clone)]
pub struct Workplace {
    /// Where the rows are.
    pub pool: Pool,
    /// Where things go after the commit.
    pub dispatch: Arc<dyn Dispatch>,
    /// When it is.
    pub clock: Clock,
    /// Makes the ids.
    pub ids: Ids,
    /// How hard each kind is tried.
    pub classes: Arc<Classes>,
    /// Rung when something is to be routed in pages.
    pub pages: Arc<Notify>,
    /// Owns the tasks that commit and dispatch: a caller that hangs up stops neither.
    pub life: Lifecycle,
}

impl Workplace {
    /// What its notifications are made with.
    #[must_use]
    pub fn desk(&self) -> Desk<'_> {
        Desk {
            ids: &self.ids,
            classes: &self.classes,
        }
    }
}

/// What a notification of the workplace is made with, also where there is no workplace yet: the demo's
/// history.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// Makes the ids.
    pub ids: &'a Ids,
    /// How hard each kind is tried.
    pub classes: &'a Classes,
}

/// Who acts, in inner ids, as established by whoever authenticated them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Inner id of the tenant.
    pub tenant: Uuid,
    /// Inner id of the user.
    pub user: Uuid,
    /// What they may do.
    pub roles: Vec<Role>,
}

impl Actor {
    /// Has this role?
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

impl From<&Caller> for Actor {
    fn from(caller: &Caller) -> Self {
        Self {
            tenant: Uuid::from_u128(caller.tenant),
            user: Uuid::from_u128(caller.user),
            roles: caller.roles.clone(),
        }
    }
}
