//! Who else used the machine meanwhile: a figure taken beside a compiler says little, and the report
//! has to show it.

use std::collections::HashMap;
use std::fmt;
use std::fs;

use anyhow::{Context as _, Result};

/// From here on a section counts as disturbed; below lies what any system does by itself.
const QUIET: f64 = 3.0;

/// Ticks of processor time since the machine or the process began.
struct Ticks {
    /// What the machine could have worked, on all cores.
    possible: u64,
    /// What all programs together used.
    used: u64,
    /// What this program and its descendants used, ended ones included.
    ours: u64,
    /// What the host of a virtual machine gave to others.
    stolen: u64,
}

/// A look at the machine's counters, to be compared with a later one.
pub struct Noise(Ticks);

/// Shares of the whole machine, in per cent.
pub struct Disturbance {
    others: f64,
    stolen: f64,
}

impl Noise {
    /// The first look.
    pub fn begin() -> Result<Self> {
        Ok(Self(Ticks::now()?))
    }

    /// What others did since.
    pub fn end(&self) -> Result<Disturbance> {
        let (begun, now) = (&self.0, Ticks::now()?);
        let possible = share(now.possible - begun.possible).max(1.0);
        let used = share(now.used - begun.used);
        let ours = share(now.ours.saturating_sub(begun.ours));
        Ok(Disturbance {
            others: ((used - ours) / possible * 100.0).max(0.0),
            stolen: share(now.stolen - begun.stolen) / possible * 100.0,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "ticks of hours fit")]
fn share(ticks: u64) -> f64 {
    ticks as f64
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { others, stolen } = self;
        let word = if others + stolen > QUIET {
            "**disturbed**"
        } else {
            "quiet"
        };
        write!(
            f,
            "{word}; other programs took {others:.0} % of the machine, its host {stolen:.0} %"
        )
    }
}

impl Ticks {
    fn now() -> Result<Self> {
        let text = fs::read_to_string("/proc/stat")?;
        let line = text.lines().next().context("an empty /proc/stat")?;
        let ticks: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            .filter_map(|field| field.parse().ok())
            .collect();
        // user, nice, system, idle, iowait, irq, softirq, steal; interrupts belong to nobody.
        let [user, nice, system, _, _, _, _, stolen, ..] = ticks[..] else {
            anyhow::bail!("/proc/stat is not as expected: {line}");
        };
        Ok(Self {
            possible: ticks.iter().take(8).sum(),
            used: user + nice + system,
            ours: ours()?,
            stolen,
        })
    }
}

/// Of the tree of processes that begins with us.
fn ours() -> Result<u64> {
    let mut parents = HashMap::new();
    let mut used = HashMap::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // One that ended meanwhile is counted by its parent.
        if let Ok(text) = fs::read_to_string(entry.path().join("stat"))
            && let Some((_, fields)) = text.rsplit_once(") ")
        {
            let fields: Vec<&str> = fields.split(' ').collect();
            let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
            parents.insert(pid, number(1).unwrap_or(0));
            // utime, stime, and of children that were waited for: cutime, cstime.
            used.insert(pid, (11..15).filter_map(number).sum::<u64>());
        }
    }
    let me = std::process::id();
    let is_ours = |pid: &u32| {
        let mut at = u64::from(*pid);
        while at != u64::from(me) {
            let parent = u32::try_from(at).ok().and_then(|pid| parents.get(&pid));
            match parent {
                None | Some(0) => return false,
                Some(parent) => at = *parent,
            }
        }
        true
    };
    Ok(used
        .iter()
        .filter(|(pid, _)| is_ours(pid))
        .map(|(_, ticks)| ticks)
        .sum())
}
