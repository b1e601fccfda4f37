//! Commands of an operator at a shell, one file each. All but `publish` speak to the database
//! directly, so they work while the server does not run; a running one sees what changed within
//! seconds (but for `db restored`, which the next start sees).

pub mod db;
pub mod devpush;
pub mod key;
pub mod publish;
pub mod target;
pub mod tenant;
pub mod token;

use anyhow::Context as _;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::store;

/// The inner ids behind `--tenant` and `--service`.
async fn look_up(
    conn: &mut PgConnection,
    tenant: &str,
    service: &str,
) -> anyhow::Result<(Uuid, Uuid)> {
    let found = store::directory::tenant(conn, tenant).await?;
    let id = found.with_context(|| {
        format!("there is no tenant \"{tenant}\": make it with `bellhop tenant create {tenant}`")
    })?;
    let found = store::directory::service(conn, id, service).await?;
    let service = found.with_context(|| {
        format!("tenant \"{tenant}\" has no service \"{service}\": provision it, PUT /api/v1/services/{service}")
    })?;
    Ok((id, service))
}

/// An outer id typed at a shell.
fn checked(text: &str, what: &str) -> anyhow::Result<()> {
    let fits = (1..=128).contains(&text.len()) && !text.contains(char::is_control);
    anyhow::ensure!(fits, "{what} has 1 to 128 bytes and no control characters");
    Ok(())
}

#[cfg(test)]
mod tests;
