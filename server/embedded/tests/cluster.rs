//! The whole life of a cluster, with real programs. They are found by `BELLHOP_TEST_PG_BIN`, which
//! `cargo xtask test` sets; without it there is nothing to try and the tests say so.
//!
//! Run as root they prove that another user runs PostgreSQL; run as anybody else, that we do.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use embedded_postgres::{Cluster, Durability, Error, Say, Settings};
use rustix::process::{Pid, Signal, geteuid, kill_process};

struct Bench {
    settings: Settings,
    heard: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = Cluster::destroy(&self.settings); // as root it lies outside of the temporary folder
    }
}

impl Bench {
    /// A folder as `mktemp -d` makes it: 0700, so as root the database's user cannot enter.
    fn new() -> Option<Self> {
        let Some(bin) = std::env::var_os("BELLHOP_TEST_PG_BIN") else {
            eprintln!("skipped: BELLHOP_TEST_PG_BIN is not set; use `cargo xtask test`");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let settings = Settings {
            data: folder.path().join("data"),
            bin: PathBuf::from(bin),
            user: None,
            durability: Durability::Throwaway,
        };
        Some(Self {
            settings,
            heard: Arc::default(),
            _folder: folder,
        })
    }

    fn say(&self) -> Say {
        let heard = self.heard.clone();
        Arc::new(move |event| heard.lock().unwrap().push(event.to_string()))
    }

    fn heard(&self, part: &str) -> bool {
        self.heard
            .lock()
            .unwrap()
            .iter()
            .any(|line| line.contains(part))
    }

    fn open(&self) -> Cluster {
        Cluster::open(&self.settings, self.say()).unwrap()
    }
}

fn postmaster(pgdata: &std::path::Path) -> u32 {
    let text = fs::read_to_string(pgdata.join("postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

fn port(url: &str) -> u16 {
    url.rsplit_once(':')
        .unwrap()
        .1
        .split('/')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "waited too long until {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_is_made_started_stopped_and_found_again() {
    let Some(bench) = Bench::new() else { return };
    let running = bench.open().start().unwrap();
    let url = running.url();
    TcpStream::connect(("127.0.0.1", port(&url))).unwrap();
    let runner = fs::metadata(format!("/proc/{}", postmaster(running.pgdata())))
        .unwrap()
        .uid();
    if geteuid().is_root() {
        assert_ne!(runner, 0, "PostgreSQL must not run as root");
        assert!(bench.heard("as root"), "where it lies is said aloud");
    } else {
        assert_eq!(runner, geteuid().as_raw());
    }
    let secret = fs::metadata(bench.settings.data.join("postgres.password")).unwrap();
    assert_eq!(secret.mode() & 0o777, 0o600);
    running.stop();
    assert!(TcpStream::connect(("127.0.0.1", port(&url))).is_err());

    let again = bench.open().start().unwrap();
    assert_eq!(again.url(), url, "password and port stay");
}

#[test]
fn a_folder_is_used_by_one_process_at_a_time() {
    let Some(bench) = Bench::new() else { return };
    let _held = bench.open();
    let refused = Cluster::open(&bench.settings, bench.say());
    assert!(matches!(refused, Err(Error::InUse { .. })), "{refused:?}");
}

#[test]
fn a_stale_pid_file_is_removed() {
    let Some(bench) = Bench::new() else { return };
    let pgdata = bench.open().pgdata().to_owned();
    // Our own number: alive, as after a reboot that gave it to something else.
    let text = format!(
        "{}\n{}\n0\n5432\n\n\n\nready\n",
        std::process::id(),
        pgdata.display()
    );
    fs::write(pgdata.join("postmaster.pid"), text).unwrap();
    bench.open().start().unwrap().stop();
    assert!(bench.heard("stale pid file"));
}

/// Not a test of its own: what the next one starts as another process, and kills.
#[test]
fn holds_a_cluster_until_killed() {
    let Some(data) = std::env::var_os("HOLD_DATA") else {
        return;
    };
    let Some(mut bench) = Bench::new() else {
        return;
    };
    bench.settings.data = PathBuf::from(data);
    let _running = bench.open().start().unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn a_postmaster_left_by_a_killed_start_is_stopped_first() {
    let Some(bench) = Bench::new() else { return };
    let pgdata = bench.open().pgdata().to_owned();
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holds_a_cluster_until_killed"])
        .env("HOLD_DATA", &bench.settings.data)
        .spawn()
        .unwrap();
    let ready = || fs::read_to_string(pgdata.join("postmaster.pid"));
    wait("the other process serves", || {
        ready().is_ok_and(|text| text.contains("ready"))
    });
    let left = postmaster(&pgdata);
    holder.kill().unwrap();
    holder.wait().unwrap();
    let running = bench.open().start().unwrap();
    assert_ne!(postmaster(running.pgdata()), left);
    assert!(bench.heard("killed start"));
}

#[test]
fn it_is_started_again_when_it_dies() {
    let Some(bench) = Bench::new() else { return };
    let running = bench.open().start().unwrap();
    let first = postmaster(running.pgdata());
    signal(first, Signal::KILL);
    wait("it runs again", || {
        fs::read_to_string(running.pgdata().join("postmaster.pid"))
            .is_ok_and(|text| text.contains("ready") && !text.starts_with(&first.to_string()))
    });
    TcpStream::connect(("127.0.0.1", port(&running.url()))).unwrap();
    assert!(bench.heard("died"));
}

#[test]
fn a_reset_makes_a_new_cluster() {
    let Some(bench) = Bench::new() else { return };
    let running = bench.open().start().unwrap();
    let old = running.url();
    running.stop();
    let new = Cluster::reset(&bench.settings, bench.say())
        .unwrap()
        .start()
        .unwrap();
    assert_ne!(new.url(), old, "a new password");
    assert!(bench.heard("threw away"));
}
