//! Facts of the machine, without which no figure means anything.

use std::fmt;
use std::fs;

use anyhow::{Context as _, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Names and values, as the report lists them.
pub struct Machine {
    facts: Vec<(&'static str, String)>,
}

/// As far as allowed, for us and by inheritance for what we start; answers the limit.
pub fn raise_file_limit() -> Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).context("the limit of open files")?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

impl Machine {
    /// What the system itself says; `files` may be open at once.
    pub fn look(files: u64) -> Result<Self> {
        let facts = vec![
            ("processor", processor()?),
            ("memory", memory()?),
            ("kernel", read("/proc/sys/kernel/osrelease")?),
            ("open files allowed", files.to_string()),
            ("load before", read("/proc/loadavg")?),
        ];
        Ok(Self { facts })
    }

    /// One more fact.
    pub fn add(&mut self, name: &'static str, value: impl Into<String>) {
        self.facts.push((name, value.into()));
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

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.facts {
            writeln!(f, "- {name}: {value}")?;
        }
        Ok(())
    }
}
