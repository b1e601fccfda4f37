//! What the kernel says a process holds.

use std::fs;

use anyhow::{Context as _, Result};

/// Resident memory of a process, in KiB.
///
/// # Errors
/// When there is no such process.
pub fn resident(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .context("/proc names no resident memory")?;
    Ok(kib.trim().parse()?)
}
