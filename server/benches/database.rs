//! Facts of the database that is measured.

use std::fs;

use anyhow::Result;
use benches::machine::Machine;
use sqlx::{Connection as _, PgConnection};

use crate::product::Setup;

/// Starts the product once, to ask its database.
pub(crate) async fn look(setup: &Setup, machine: &mut Machine) -> Result<()> {
    let product = setup.start().await?;
    let mut database = PgConnection::connect(&product.ready.database_url).await?;
    for name in [
        "server_version",
        "fsync",
        "synchronous_commit",
        "shared_buffers",
        "wal_sync_method",
    ] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(name)
            .fetch_one(&mut database)
            .await?;
        machine.add(name, value);
    }
    database.close().await?;
    let running = product.stop();
    machine.add("file system of the database", file_system(setup)?);
    machine.add("shared by", "server, database and driver, over 127.0.0.1");
    running
}

/// The kind and device of the longest mount point above the cluster.
fn file_system(setup: &Setup) -> Result<String> {
    let cluster = setup.cluster()?.pgdata().canonicalize()?;
    let mounts = fs::read_to_string("/proc/mounts")?;
    let mount = mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            Some((fields.next()?, fields.next()?, fields.next()?))
        })
        .filter(|(_, place, _)| cluster.starts_with(place))
        .max_by_key(|(_, place, _)| place.len());
    Ok(mount.map_or("unknown".to_owned(), |(device, _, kind)| {
        format!("{kind} on {device}")
    }))
}
