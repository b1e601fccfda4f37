//! What is said aloud while a cluster is made, repaired and run. The caller decides where it goes.

use std::fmt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use crate::Error;

/// Receives every event, from whichever thread it happens on.
pub type Say = Arc<Hear>;
type Hear = dyn Fn(&Event<'_>) + Send + Sync;

#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Where the cluster lies, because its user cannot enter the data folder.
    Relocated {
        user: &'a str,
        data: &'a Path,
        to: &'a Path,
    },
    /// Where the programs were copied, because that user cannot reach them.
    Copied {
        user: &'a str,
        to: &'a Path,
    },
    Reset(&'a Path),
    Initialised {
        pgdata: &'a Path,
        user: Option<&'a str>,
        took: Duration,
    },
    /// The pid file named a process that is gone, or is something else by now.
    StalePid(u32),
    /// A postmaster outlived the process that started it, and was stopped.
    Leftover(u32),
    Started {
        port: u16,
        pid: u32,
        took: Duration,
    },
    Died(ExitStatus),
    RestartFailed(&'a Error),
    Stopped {
        took: Duration,
    },
}

impl Event<'_> {
    /// Whether an operator has to look at it.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        matches!(self, Self::Died(_) | Self::RestartFailed(_))
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relocated { user, data, to } => write!(
                f,
                "as root, PostgreSQL runs as `{user}`, who cannot enter {}: its cluster lies in {}",
                data.display(),
                to.display()
            ),
            Self::Copied { user, to } => {
                write!(
                    f,
                    "PostgreSQL's programs copied to {}, where `{user}` can enter",
                    to.display()
                )
            }
            Self::Reset(pgdata) => write!(f, "threw away the cluster in {}", pgdata.display()),
            Self::Initialised { pgdata, user, took } => {
                write!(f, "made a cluster in {}", pgdata.display())?;
                if let Some(user) = user {
                    write!(f, " for user `{user}`")?;
                }
                write!(f, " ({} ms)", took.as_millis())
            }
            Self::StalePid(pid) => {
                write!(
                    f,
                    "removed a stale pid file: process {pid} is not this cluster's"
                )
            }
            Self::Leftover(pid) => {
                write!(
                    f,
                    "stopped PostgreSQL (process {pid}) that a killed start had left running"
                )
            }
            Self::Started { port, pid, took } => write!(
                f,
                "PostgreSQL listens on 127.0.0.1:{port} (process {pid}, {} ms)",
                took.as_millis()
            ),
            Self::Died(status) => write!(f, "PostgreSQL died ({status}): starting it again"),
            Self::RestartFailed(error) => write!(f, "trying again: {error}"),
            Self::Stopped { took } => write!(f, "PostgreSQL stopped ({} ms)", took.as_millis()),
        }
    }
}
