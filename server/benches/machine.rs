//! Facts of the machine and of the database, without which no figure means anything.

use std::fmt;
use std::fs;

use anyhow::{Context as _, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sqlx::{Connection as _, PgConnection};

use crate::product::Setup;

pub(crate) struct Machine {
    facts: Vec<(&'static str, String)>,
}

/// As far as allowed, for us and by inheritance for what we start; answers the limit.
pub(crate) fn raise_file_limit() -> Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).context("the limit of open files")?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

impl Machine {
    /// Starts the product once, to ask its database.
    pub(crate) async fn look(setup: &Setup, files: u64) -> Result<Self> {
        let product = setup.start().await?;
        let mut database = PgConnection::connect(&product.ready.database_url).await?;
        let mut facts = vec![
            ("processor", processor()?),
            ("memory", memory()?),
            ("kernel", read("/proc/sys/kernel/osrelease")?),
            ("open files allowed", files.to_string()),
            ("load before", read("/proc/loadavg")?),
        ];
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
            facts.push((name, value));
        }
        database.close().await?;
        let running = product.stop();
        facts.push(("file system of the database", file_system(setup)?));
        running?;
        Ok(Self { facts })
    }
}

fn read(path: &str) -> Result<String> {
    Ok(fs::read_to_string(path)?.trim().to_owned())
}

fn processor() -> Result<String> {
    let text = read("/proc/cpuinfo")?;
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism()?;
    Ok(format!("{cores} × {model}"))
}

fn memory() -> Result<String> {
    let text = read("/proc/meminfo")?;
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .and_then(|kib| kib.parse::<u64>().ok())
        .context("/proc/meminfo names no MemTotal")?;
    Ok(format!("{} MiB", kib / 1024))
}

/// The kind and device of the longest mount point above the cluster.
fn file_system(setup: &Setup) -> Result<String> {
    let cluster = setup.cluster()?.pgdata().canonicalize()?;
    let mounts = read("/proc/mounts")?;
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

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.facts {
            writeln!(f, "- {name}: {value}")?;
        }
        writeln!(
            f,
            "- server, database and driver share the machine, over 127.0.0.1"
        )
    }
}
