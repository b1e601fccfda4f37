//! Keeps PostgreSQL running: a thread of its own watches it and starts it again when it dies, on the
//! same port, so that connection strings stay true. It never gives up: whoever needs the database
//! sees errors meanwhile and recovers by itself.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use crate::{Cluster, Error, Event, NAME, postmaster};

const WATCH: Duration = Duration::from_millis(250);
const PAUSE: Duration = Duration::from_secs(5);
const TRIES: u32 = 2;

/// A running cluster. Dropping it stops PostgreSQL and waits for that.
pub struct Running {
    port: u16,
    password: String,
    pgdata: PathBuf,
    log: PathBuf,
    /// Closed by us to say "stop".
    stop: Option<SyncSender<()>>,
    watcher: Option<JoinHandle<()>>,
}

pub(crate) fn start(cluster: Cluster) -> Result<Running, Error> {
    let noted = cluster.pgdata.join("bellhop.port");
    let last = fs::read_to_string(&noted)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let (child, port) = first(&cluster, last)?;
    fs::write(&noted, port.to_string()).map_err(Error::file("write", &noted))?;
    let (stop, stopped) = sync_channel(0);
    let (password, pgdata) = (cluster.password.clone(), cluster.pgdata.clone());
    let log = cluster.log.clone();
    let watcher = std::thread::Builder::new()
        .name("postgres".into())
        .spawn(move || watch(&cluster, child, port, &stopped))
        .map_err(Error::file("start a thread for", Path::new("postgres")))?;
    Ok(Running {
        port,
        password,
        pgdata,
        log,
        stop: Some(stop),
        watcher: Some(watcher),
    })
}

/// The first start may meet what a killed run still holds (its port, its shared memory), and somebody
/// may take the port between our look and PostgreSQL's: so a few tries.
fn first(cluster: &Cluster, last: Option<u16>) -> Result<(Child, u16), Error> {
    let mut tries = 0;
    loop {
        let port = postmaster::free_port(last.filter(|_| tries == 0))?;
        match postmaster::start(cluster, port) {
            Ok(child) => return Ok((child, port)),
            Err(error) if tries == TRIES => return Err(error),
            Err(_) => sleep(Duration::from_secs(1)),
        }
        tries += 1;
    }
}

impl Running {
    /// Where to connect, password included: never to be logged.
    #[must_use]
    pub fn url(&self) -> String {
        format!(
            "postgres://{NAME}:{}@127.0.0.1:{}/{NAME}",
            self.password, self.port
        )
    }

    /// Where PostgreSQL keeps its files.
    #[must_use]
    pub fn pgdata(&self) -> &Path {
        &self.pgdata
    }

    /// What PostgreSQL says.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Stops PostgreSQL and returns when it is gone.
    pub fn stop(self) {
        drop(self);
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
}

fn watch(cluster: &Cluster, first: Child, port: u16, stop: &Receiver<()>) {
    let mut running = Some(first);
    loop {
        let pause = if running.is_some() { WATCH } else { PAUSE };
        match stop.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
        }
        if let Some(child) = &mut running {
            match child.try_wait() {
                Ok(None) => continue,
                Ok(Some(status)) => (cluster.say)(&Event::Died(status)),
                Err(_) => {}
            }
        }
        // The children of a killed postmaster need a moment to notice: hence the pause on failure.
        running = match postmaster::start(cluster, port) {
            Ok(child) => Some(child),
            Err(error) => {
                (cluster.say)(&Event::RestartFailed(&error));
                None
            }
        };
    }
    if let Some(mut child) = running {
        let begun = Instant::now();
        postmaster::stop(&mut child);
        (cluster.say)(&Event::Stopped {
            took: begun.elapsed(),
        });
    }
}
