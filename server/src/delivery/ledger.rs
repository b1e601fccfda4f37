//! Stands in until the ledger lands.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::PgConnection;

use super::{Publication, Routed};

/// Stand-in: numbers nothing.
#[expect(clippy::unused_async, reason = "stand-in for the ledger's signature")]
pub async fn append(
    _conn: &mut PgConnection,
    batch: Vec<Arc<Publication>>,
    _now: Timestamp,
) -> sqlx::Result<Vec<Routed>> {
    Ok(batch
        .into_iter()
        .map(|publication| Routed {
            publication,
            recipients: Vec::new(),
        })
        .collect())
}
