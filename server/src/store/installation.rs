//! What is true of this database as a whole.

use sqlx::PgConnection;

/// The database's generation, part of every cursor: an operator raises it after restoring a backup,
/// so that cursors from a future that never was are recognised (`delivery.md` 3).
pub async fn epoch(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!("SELECT epoch FROM bellhop.installation")
        .fetch_one(conn)
        .await
}
