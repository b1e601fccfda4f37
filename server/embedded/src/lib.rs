//! A PostgreSQL cluster of our own, for whoever has no database to offer: the server uses it when no
//! `DATABASE_URL` is given, the chores (`cargo xtask`) for throw-away databases.
//!
//! What it guarantees: it listens on loopback only and asks for a random password (scram); it runs
//! under another user when the process is root; a folder is used by one process at a time; whatever
//! a killed process left behind (a stale pid file, a running postmaster) is repaired by the next
//! start; it is restarted when it dies, and stopped when [`Running`] is dropped.
//!
//! It blocks and knows neither tokio nor SQL, so that the chores can use it before anything of the
//! server compiles. The binaries (`initdb`, `postgres`) are the caller's; nothing is fetched here.

mod account;
mod binaries;
mod error;
mod event;
mod init;
mod pidfile;
mod place;
mod postmaster;
mod supervisor;

use std::fmt;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

pub use account::Account;
pub use error::Error;
pub use event::{Event, Say};
pub use supervisor::Running;

/// Name of the superuser and of the database that every cluster is made with.
pub const NAME: &str = "bellhop";

/// How long a lock that is held is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_millis(50);

/// What the caller decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of the process. The cluster lies in it where the database's user can enter it;
    /// else elsewhere, and a pointer to it lies here.
    pub data: PathBuf,
    /// The folder of `initdb` and `postgres`.
    pub bin: PathBuf,
    /// As root: whom to run as. `None` takes `postgres`, else `nobody`.
    pub user: Option<String>,
    pub durability: Durability,
}

/// Whether what is committed has to survive a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Commits are on disk when they are answered.
    Durable,
    /// For tests: nothing is flushed, and many databases are used at once.
    Throwaway,
}

/// A cluster that exists and is nobody else's; not yet started.
pub struct Cluster {
    /// Held as long as the cluster is used: a second process is refused, a killed one lets go.
    _lock: File,
    /// `None`: run as who we are.
    account: Option<Account>,
    bin: PathBuf,
    /// PostgreSQL's own data folder.
    pgdata: PathBuf,
    log: PathBuf,
    password: String,
    durability: Durability,
    say: Say,
}

impl Cluster {
    /// Finds the cluster of `settings.data`, repairs it, or makes it when there is none.
    pub fn open(settings: &Settings, say: Say) -> Result<Self, Error> {
        Self::open_or_reset(settings, false, say)
    }

    /// As [`Self::open`], but throws away what is there first.
    pub fn reset(settings: &Settings, say: Say) -> Result<Self, Error> {
        Self::open_or_reset(settings, true, say)
    }

    fn open_or_reset(settings: &Settings, reset: bool, say: Say) -> Result<Self, Error> {
        let account = account::choose(settings.user.as_deref())?;
        let data = place::folder(&settings.data, account.is_some())?;
        let lock = lock(&data)?;
        let bin = binaries::reachable(&settings.bin, account.as_ref(), &say)?;
        let pgdata = place::cluster(&data, account.as_ref(), &say)?;
        postmaster::repair(&pgdata, &say)?;
        let secret = data.join("postgres.password");
        if reset {
            init::remove(&pgdata, &secret)?;
            say(&Event::Reset(&pgdata));
        }
        let password = init::ensure(&init::Plan {
            bin: &bin,
            pgdata: &pgdata,
            secret: &secret,
            account: account.as_ref(),
            durability: settings.durability,
            say: &say,
        })?;
        Ok(Self {
            _lock: lock,
            account,
            bin,
            pgdata,
            log: data.join("postgres.log"),
            password,
            durability: settings.durability,
            say,
        })
    }

    /// Starts it and keeps it running until [`Running::stop`], or until that is dropped.
    pub fn start(self) -> Result<Running, Error> {
        supervisor::start(self)
    }

    /// Where PostgreSQL keeps its files.
    #[must_use]
    pub fn pgdata(&self) -> &Path {
        &self.pgdata
    }

    /// Removes a throw-away cluster, wherever it lies; one that a killed process left running is
    /// stopped first, one that is in use is refused.
    pub fn destroy(settings: &Settings) -> Result<(), Error> {
        if !settings.data.exists() {
            return Ok(());
        }
        let _lock = lock(&settings.data)?;
        let away = place::pointed(&settings.data)?;
        let pgdata = away.as_ref().unwrap_or(&settings.data).join("postgres");
        let quiet: Say = Arc::new(|_| {});
        postmaster::repair(&pgdata, &quiet)?;
        if let Some(away) = away {
            init::remove_folder(&away)?;
        }
        init::remove_folder(&settings.data)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("pgdata", &self.pgdata)
            .finish_non_exhaustive()
    }
}

/// With a moment's patience: a process that is just ending, or one between fork and exec that holds
/// a copy of the lock, lets go of it soon.
fn lock(data: &Path) -> Result<File, Error> {
    let path = data.join("lock");
    let file = File::create(&path).map_err(Error::file("create", &path))?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => sleep(STEP),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::InUse {
                    data: data.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(Error::file("lock", &path)(source)),
        }
    }
}
