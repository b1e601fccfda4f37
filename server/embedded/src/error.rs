//! What can go wrong, each with its cure in the text: these lines are read by whoever starts the
//! product for the first time.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {action} {}", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },

    #[error(
        "the data folder {} is in use by another running process: stop that one, or choose \
         another folder with --data",
        data.display()
    )]
    InUse { data: PathBuf },

    #[error(
        "{} holds no `{program}`: name the folder of PostgreSQL's programs with BELLHOP_PG_BIN, or \
         a running database with DATABASE_URL",
        folder.display()
    )]
    NoBinaries {
        folder: PathBuf,
        program: &'static str,
    },

    #[error(
        "PostgreSQL refuses to run as root, and there is no user `{wanted}` on this machine: \
         create one, or name another with BELLHOP_PG_USER"
    )]
    NoAccount { wanted: String },

    #[error(
        "the cluster at {} belongs to user id {owner}, but would be run by {runner}: start as the \
         user who made it, or choose another folder with --data",
        pgdata.display()
    )]
    ForeignOwner {
        pgdata: PathBuf,
        owner: u32,
        runner: u32,
    },

    #[error(
        "{} holds a cluster, but its password file {} is missing: restore that file, or start \
         anew with --reset (all data is lost)",
        pgdata.display(),
        secret.display()
    )]
    NoPassword { pgdata: PathBuf, secret: PathBuf },

    #[error(
        "{} was made by PostgreSQL {found}, the programs here are {offered}: point BELLHOP_PG_BIN \
         at a PostgreSQL {found}, or start anew with --reset (all data is lost)",
        pgdata.display()
    )]
    WrongVersion {
        pgdata: PathBuf,
        found: String,
        offered: String,
    },

    #[error("`{program}` failed ({status}); it said:\n{said}")]
    Program {
        program: String,
        status: String,
        said: String,
    },

    #[error("PostgreSQL did not start: {reason}; the end of {}:\n{tail}", log.display())]
    NotStarted {
        reason: String,
        log: PathBuf,
        tail: String,
    },

    #[error("PostgreSQL (process {pid}), left by a killed start, does not stop: end it by hand")]
    Leftover { pid: u32 },
}

impl Error {
    /// Names the file in an I/O error: `.map_err(Error::file("read", path))`.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
