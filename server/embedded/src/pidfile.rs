//! `postmaster.pid`: who runs the cluster, on which port, and whether it takes connections yet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) pid: u32,
    pub(crate) port: Option<u16>,
    /// The eighth line; PostgreSQL's own `pg_ctl -w` waits for it too.
    pub(crate) ready: bool,
}

pub(crate) fn path(pgdata: &Path) -> PathBuf {
    pgdata.join("postmaster.pid")
}

/// `None` when there is none, or it is cut short.
pub(crate) fn read(pgdata: &Path) -> Option<PidFile> {
    parse(&fs::read_to_string(path(pgdata)).ok()?)
}

fn parse(text: &str) -> Option<PidFile> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    Some(PidFile {
        pid: lines.first()?.parse().ok()?,
        port: lines.get(3).and_then(|line| line.parse().ok()),
        ready: lines.get(7).is_some_and(|line| *line == "ready"),
    })
}

/// Whether the process is the postmaster of `pgdata`. After a reboot, and in containers soon, a
/// number belongs to something else: a living process proves nothing. A postmaster's working folder
/// is its cluster; where that cannot be read, its command line names it.
pub(crate) fn is_postmaster(pid: u32, pgdata: &Path) -> bool {
    let real = pgdata.canonicalize().unwrap_or_else(|_| pgdata.to_owned());
    if Path::new("/proc/self/cwd").exists() {
        return fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == real);
    }
    let told = Command::new("ps")
        .args(["-o", "command=", "-p", &pid.to_string()])
        .output();
    told.is_ok_and(|out| {
        String::from_utf8_lossy(&out.stdout).contains(real.to_string_lossy().as_ref())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_ready_postmaster_is_read() {
        let text = "4711\n/data\n1700000000\n5433\n\n127.0.0.1\n  123 456\nready   \n";
        assert_eq!(
            parse(text),
            Some(PidFile {
                pid: 4711,
                port: Some(5433),
                ready: true
            })
        );
    }

    #[test]
    fn a_file_cut_short_is_not_ready() {
        assert_eq!(
            parse("4711\n/data\n"),
            Some(PidFile {
                pid: 4711,
                port: None,
                ready: false
            })
        );
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_living_process_elsewhere_is_no_postmaster_of_this_cluster() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_postmaster(std::process::id(), dir.path()));
    }
}
