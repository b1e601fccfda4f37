//! What every room of the server is given: made once by `serve`, cheap to clone.

use std::sync::Arc;

use sqlx::PgPool;

use crate::delivery::epoch::Epochs;
use crate::push::Pusher;
use crate::support::lifecycle::Lifecycle;
use crate::support::{clock::Clock, config::Config, ids::Ids};

#[derive(Clone)]
pub struct Parts {
    /// The database; a query waits for a free connection, within bounds.
    pub pool: PgPool,
    pub clock: Clock,
    /// Whether numbers may have been turned back. To be opened before anything is published.
    pub epochs: Arc<Epochs>,
    pub ids: Ids,
    /// Where tasks are spawned, and how they learn that the process stops.
    pub life: Lifecycle,
    pub config: Arc<Config>,
    /// Who sends pushes; without keys it sends none.
    pub pusher: Arc<Pusher>,
}
