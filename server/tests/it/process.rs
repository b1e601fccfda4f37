//! The process: it starts, says where it is, survives what is done to it, and leaves nothing behind.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

/// A data folder, and the program run on it.
struct Bench {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

/// One run. Killed when dropped, so that a failed test leaves nothing running.
pub(super) struct Run {
    child: Child,
    pub(super) ready: Value,
}

impl Bench {
    fn new() -> Option<Self> {
        let Some(programs) = std::env::var_os("BELLHOP_TEST_PG_BIN") else {
            eprintln!("skipped: BELLHOP_TEST_PG_BIN is not set; use `cargo xtask test`");
            return None;
        };
        Some(Self {
            folder: tempfile::tempdir().unwrap(),
            programs: programs.into(),
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn ready_file(&self) -> PathBuf {
        self.folder.path().join("ready.json")
    }

    fn command(&self, command: &str) -> Command {
        let mut bellhop = Command::new(env!("CARGO_BIN_EXE_bellhop"));
        bellhop
            .arg(command)
            .arg("--data")
            .arg(self.data())
            .env("BELLHOP_PG_BIN", &self.programs);
        bellhop.env_remove("DATABASE_URL").stdout(Stdio::null());
        bellhop
    }

    fn serve(&self, more: &[&str]) -> Run {
        let file = self.ready_file();
        let mut serve = self.command("serve");
        if !more.contains(&"--port") {
            serve.args(["--port", "0"]);
        }
        serve.args(["--no-demo", "--ready"]).arg(&file).args(more);
        Run::begin(serve, &file)
    }

    fn postmaster(&self) -> u32 {
        let pointed = fs::read_to_string(self.data().join("postgres.location"));
        let folder = pointed.map_or_else(|_| self.data(), PathBuf::from);
        let text = fs::read_to_string(folder.join("postgres/postmaster.pid")).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let settings = embedded_postgres::Settings {
            data: self.data(),
            bin: self.programs.clone(),
            user: None,
            durability: embedded_postgres::Durability::Throwaway,
        };
        embedded_postgres::Cluster::destroy(&settings).unwrap();
    }
}

impl Run {
    /// Waits until it serves and has written its ready file.
    pub(super) fn begin(mut serve: Command, file: &Path) -> Self {
        let mut child = serve.spawn().unwrap();
        wait("it serves", || {
            assert!(
                child.try_wait().unwrap().is_none(),
                "it ended before it served"
            );
            // A killed run leaves its file: only one that names this run counts.
            read(file).is_some_and(|ready| ready["pid"] == child.id())
        });
        Self {
            ready: read(file).unwrap(),
            child,
        }
    }

    pub(super) fn stop(&mut self, signal: Signal) -> ExitStatus {
        send(self.child.id(), signal);
        self.child.wait().unwrap()
    }

    pub(super) fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(file: &Path) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(file).ok()?).ok()
}

fn pid(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

fn send(to: u32, signal: Signal) {
    kill_process(pid(to), signal).unwrap();
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "waited too long until {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn it_serves_a_page_and_stops_when_told_with_nothing_left_behind() {
    let Some(bench) = Bench::new() else { return };
    let mut run = bench.serve(&[]);
    assert_eq!(
        fs::metadata(bench.ready_file()).unwrap().mode() & 0o777,
        0o600
    );
    let answer = reqwest::get(format!("{}/sign-in", run.url()))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(
        answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("'nonce-")
    );
    assert!(answer.text().await.unwrap().contains("<h1"));
    let postmaster = bench.postmaster();

    assert!(run.stop(Signal::TERM).success());
    assert!(!bench.ready_file().exists());
    assert!(
        test_kill_process(pid(postmaster)).is_err(),
        "PostgreSQL is stopped too"
    );
}

#[test]
fn what_a_kill_leaves_is_repaired_by_the_next_start() {
    let Some(bench) = Bench::new() else { return };
    let mut first = bench.serve(&[]);
    let (left, database) = (bench.postmaster(), first.ready["database_url"].clone());
    first.stop(Signal::KILL);
    test_kill_process(pid(left)).expect("PostgreSQL outlives a killed server");

    let mut second = bench.serve(&[]);
    assert_ne!(bench.postmaster(), left);
    assert_eq!(
        second.ready["database_url"], database,
        "the same database at the same address"
    );
    assert!(second.stop(Signal::INT).success());
}

#[test]
fn a_taken_port_is_left_alone_and_the_next_one_used() {
    let Some(bench) = Bench::new() else { return };
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let run = bench.serve(&["--port", &port.to_string()]);
    let used: u16 = run.url().rsplit_once(':').unwrap().1.parse().unwrap();
    assert!(used > port, "{used} instead of {port}");
}

#[test]
fn a_reset_gives_an_empty_database() {
    let Some(bench) = Bench::new() else { return };
    let mut run = bench.serve(&[]);
    let old = run.ready["database_url"].clone();
    run.stop(Signal::TERM);
    let run = bench.serve(&["--reset"]);
    assert_ne!(
        run.ready["database_url"], old,
        "another password: another cluster"
    );
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let Some(bench) = Bench::new() else { return };
    let _run = bench.serve(&[]);
    let refused = bench.command("migrate").output().unwrap();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("in use by another running process"));
}

#[test]
fn migrate_brings_the_schema_up_to_date_and_ends() {
    let Some(bench) = Bench::new() else { return };
    assert!(bench.command("migrate").status().unwrap().success());
}

/// A command beside the server; its exit code and what it printed.
fn shell(arguments: &[&str], key: &str) -> (Option<i32>, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_bellhop"))
        .args(arguments)
        .env_remove("DATABASE_URL")
        .env("BELLHOP_API_KEY", key)
        .output()
        .unwrap();
    let said = [done.stdout, done.stderr].map(|said| String::from_utf8(said).unwrap());
    (done.status.code(), said.concat())
}

#[test]
fn verify_says_by_its_exit_code_whether_a_server_of_ones_own_delivers() {
    let Some(bench) = Bench::new() else { return };
    let keys = bench.folder.path().join("keys.json");
    let secret = r#"[{"alg": "HS256", "secret": "0123456789abcdef0123456789abcdef", "issuer": "erp",
                      "audience": "bellhop", "tenants": ["acme"]}]"#;
    fs::write(&keys, secret).unwrap();
    let keys = keys.to_str().unwrap();
    let mut run = bench.serve(&["--jwt-keys", keys]);
    let ready = bench.ready_file();
    let ready = ready.to_str().unwrap();
    assert_eq!(
        shell(&["tenant", "--ready", ready, "create", "acme"], "").0,
        Some(0)
    );
    let make = |scopes| {
        let whose = [
            "--tenant",
            "acme",
            "--service",
            "workplace",
            "--scopes",
            scopes,
        ];
        let make = [&["key", "--ready", ready, "create"], &whose[..]].concat();
        let (code, said) = shell(&make, "");
        assert_eq!(code, Some(0), "{said}");
        said.lines()
            .find(|line| line.starts_with("bh_"))
            .unwrap()
            .to_owned()
    };
    let (able, unable) = (make("publish,read,provision"), make("publish,read"));
    let url = run.url().to_owned();
    let verify = |url: &str, key: &str| {
        let whose = [
            "--jwt-keys",
            keys,
            "--tenant",
            "acme",
            "--service",
            "workplace",
        ];
        let how_much = ["--users", "4", "--seconds", "2", "--json"];
        shell(
            &[&["verify", "--url", url], &whose[..], &how_much].concat(),
            key,
        )
    };

    let (code, said) = verify(&url, &able);
    assert_eq!(code, Some(0), "{said}");
    let report: Value = serde_json::from_str(&said).unwrap();
    assert!(report["received"].as_u64() > Some(10), "{said}");
    assert_eq!(report["received"], report["owed"]);

    let (code, said) = verify(&url, &unable);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("publish, read and provision"), "{said}");

    assert!(run.stop(Signal::TERM).success());
    let (code, said) = verify(&url, &able);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("does not answer"), "{said}");
}
