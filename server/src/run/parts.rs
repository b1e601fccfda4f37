//! What every room of the server is given: made once by `serve`, cheap to clone.

use std::sync::Arc;

use sqlx::PgPool;

use crate::support::lifecycle::Lifecycle;
use crate::support::{clock::Clock, config::Config, ids::Ids};

#[derive(Clone, Debug)]
pub struct Parts {
    /// The database; a query waits for a free connection, within bounds.
    pub pool: PgPool,
    pub clock: Clock,
    pub ids: Ids,
    /// Where tasks are spawned, and how they learn that the process stops.
    pub life: Lifecycle,
    pub config: Arc<Config>,
}
