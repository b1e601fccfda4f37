//! `/health/live` and `/health/ready`, for whoever restarts the process or sends it traffic.
//!
//! Live says only that the process runs: a database that is away is no reason to restart it. Ready
//! says that a request would succeed now; it turns to no as soon as the process begins to stop, so
//! that a balancer looks elsewhere while connections are still being finished.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;
use tokio::time::timeout;

use super::problem::Problem;
use crate::store::{self, Pool};
use crate::support::lifecycle::Lifecycle;

/// The database must answer within.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Health {
    pool: Pool,
    life: Lifecycle,
}

/// The two, at the root: they are the operator's, not the API's.
pub fn routes(pool: Pool, life: Lifecycle) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(Health { pool, life })
}

async fn live() -> &'static str {
    "live\n"
}

async fn ready(State(health): State<Health>) -> Result<&'static str, Problem> {
    if health.life.is_leaving() {
        return Err(Problem {
            retry_after: Some(5),
            ..Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "stopping",
                "The process is stopping. Ask another node, or come back in a moment.",
            )
        });
    }
    match timeout(PATIENCE, store::ping(&health.pool)).await {
        Ok(Ok(())) => Ok("ready\n"),
        Ok(Err(error)) => {
            tracing::debug!(%error, "not ready");
            Err(Problem::unavailable())
        }
        Err(_) => Err(Problem::unavailable()),
    }
}
