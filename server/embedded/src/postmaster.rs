//! One run of PostgreSQL: repair what the last one left, start, wait until it takes connections, stop.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Cluster, Durability, Error, Event, Say, pidfile};

/// Recovery after a crash may have much to replay.
const START: Duration = Duration::from_mins(2);
/// Fast shutdown first; then the immediate one, which costs a recovery at the next start.
const FAST: Duration = Duration::from_secs(15);
const IMMEDIATE: Duration = Duration::from_secs(5);
/// Bytes of log after which a start begins a new one.
const LOG: u64 = 8 << 20;
const STEP: Duration = Duration::from_millis(20);

/// The caller holds the folder's lock, so a postmaster that still runs here is an orphan.
pub(crate) fn repair(pgdata: &Path, say: &Say) -> Result<(), Error> {
    let path = pidfile::path(pgdata);
    if !path.exists() {
        return Ok(());
    }
    let Some(found) = pidfile::read(pgdata) else {
        return fs::remove_file(&path).map_err(Error::file("remove", &path));
    };
    if !pidfile::is_postmaster(found.pid, pgdata) {
        fs::remove_file(&path).map_err(Error::file("remove", &path))?;
        say(&Event::StalePid(found.pid));
        return Ok(());
    }
    for (signal, patience) in [(Signal::INT, FAST), (Signal::QUIT, IMMEDIATE)] {
        send(found.pid, signal);
        if wait(patience, || !pidfile::is_postmaster(found.pid, pgdata)) {
            say(&Event::Leftover(found.pid));
            return Ok(());
        }
    }
    Err(Error::Leftover { pid: found.pid })
}

/// Starts it and returns once it takes connections.
pub(crate) fn start(cluster: &Cluster, port: u16) -> Result<Child, Error> {
    let begun = Instant::now();
    let log = open_log(&cluster.log).map_err(Error::file("open", &cluster.log))?;
    let errors = log.try_clone().map_err(Error::file("open", &cluster.log))?;
    let program = cluster.bin.join("postgres");
    let mut command = Command::new(&program);
    command
        .arg("-D")
        .arg(&cluster.pgdata)
        .args(arguments(cluster.durability, port));
    if let Some(account) = &cluster.account {
        account.own(&mut command);
    }
    if cluster.durability == Durability::Durable {
        // Ctrl-C in the terminal is ours to answer: PostgreSQL is stopped last. A throw-away one may
        // take it, so that nothing is left behind by a caller that does not catch it.
        command.process_group(0);
    }
    let mut child = command
        .current_dir(&cluster.pgdata)
        .env_clear()
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .map_err(Error::file("run", &program))?;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(not_started(cluster, format!("it ended with {status}")));
        }
        let ready = pidfile::read(&cluster.pgdata)
            .is_some_and(|file| file.ready && file.pid == child.id() && file.port == Some(port));
        if ready {
            (cluster.say)(&Event::Started {
                port,
                pid: child.id(),
                took: begun.elapsed(),
            });
            return Ok(child);
        }
        if begun.elapsed() > START {
            stop(&mut child);
            return Err(not_started(
                cluster,
                format!("not ready after {} s", START.as_secs()),
            ));
        }
        sleep(STEP);
    }
}

/// Stops it and returns when it is gone.
pub(crate) fn stop(child: &mut Child) {
    for (signal, patience) in [(Signal::INT, FAST), (Signal::QUIT, IMMEDIATE)] {
        send(child.id(), signal);
        if wait(patience, || !matches!(child.try_wait(), Ok(None))) {
            return;
        }
    }
    // Nothing is lost by it: what was committed is in the log and is replayed.
    let _ = child.kill();
    let _ = child.wait();
}

/// The port of the last run if it is free, so that a noted address stays true; else any.
pub(crate) fn free_port(last: Option<u16>) -> Result<u16, Error> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = match last.map(bind) {
        Some(Ok(listener)) => Ok(listener),
        _ => bind(0),
    };
    let port = listener
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port());
    port.map_err(Error::file("find a free port on", Path::new("127.0.0.1")))
}

fn arguments(durability: Durability, port: u16) -> Vec<String> {
    let mut settings = vec![
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        "unix_socket_directories=".to_owned(), // loopback is enough, and a socket's path must be short
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
        "log_checkpoints=off".to_owned(),
        "jit=off".to_owned(), // every query is short: compiling one costs more than running it
    ];
    let more: &[&str] = match durability {
        Durability::Durable => &[
            "max_connections=100",
            "shared_buffers=256MB",
            "synchronous_commit=on",
            "wal_compression=on",
            "min_wal_size=256MB",
            "max_wal_size=2GB",
        ],
        Durability::Throwaway => &[
            "max_connections=200",
            "shared_buffers=128MB",
            "fsync=off",
            "full_page_writes=off",
            "synchronous_commit=off",
            "autovacuum=off",
            "wal_level=minimal",
            "max_wal_senders=0",
            "max_wal_size=2GB",
        ],
    };
    settings.extend(more.iter().map(|setting| (*setting).to_owned()));
    settings
        .into_iter()
        .flat_map(|setting| ["-c".to_owned(), setting])
        .collect()
}

fn not_started(cluster: &Cluster, reason: String) -> Error {
    let said = fs::read_to_string(&cluster.log).unwrap_or_default();
    let lines: Vec<&str> = said.lines().collect();
    let tail = lines[lines.len().saturating_sub(12)..].join("\n");
    Error::NotStarted {
        reason,
        log: cluster.log.clone(),
        tail,
    }
}

/// Appended to, so that a restart does not wipe out why it was needed; begun anew when it is long.
fn open_log(path: &Path) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|about| about.len() > LOG) {
        fs::remove_file(path)?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

fn wait(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !done() {
        if begun.elapsed() > patience {
            return false;
        }
        sleep(STEP);
    }
    true
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal); // gone already is what we want
    }
}
