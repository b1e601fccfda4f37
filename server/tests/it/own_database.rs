//! The process on a database of somebody's own: it brings the schema, leaves what is there alone, and drops it
//! only when told so by name.

use std::process::{Command, Stdio};
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

use super::process::Run;

static MADE: AtomicU32 = AtomicU32::new(0);

/// An empty database on the tests' server, and a folder. The database is named as those of other tests are, which
/// are dropped by a later run.
struct Own {
    options: PgConnectOptions,
    name: String,
    folder: tempfile::TempDir,
}

impl Own {
    async fn new() -> Option<Self> {
        let Ok(url) = std::env::var("BELLHOP_TEST_DATABASE_URL") else {
            eprintln!("skipped: BELLHOP_TEST_DATABASE_URL is not set; use `cargo xtask test`");
            return None;
        };
        let server = PgConnectOptions::from_str(&url).unwrap();
        let mut admin = server.connect().await.unwrap();
        let seconds: i64 = sqlx::query_scalar("SELECT extract(epoch FROM now())::bigint")
            .fetch_one(&mut admin)
            .await
            .unwrap();
        let name = format!(
            "bellhop_t_{seconds}_{}_own{}",
            std::process::id(),
            MADE.fetch_add(1, Ordering::Relaxed)
        );
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut admin)
            .await
            .unwrap();
        admin.close().await.unwrap();
        Some(Self {
            options: server.database(&name),
            name,
            folder: tempfile::tempdir().unwrap(),
        })
    }

    fn serve(&self, more: &[&str]) -> Command {
        let mut serve = Command::new(env!("CARGO_BIN_EXE_bellhop"));
        serve
            .args(["serve", "--port", "0", "--data"])
            .arg(self.folder.path())
            .args(more)
            .env("DATABASE_URL", self.options.to_url_lossy().as_str())
            .env_remove("BELLHOP_PG_BIN")
            .stdout(Stdio::null());
        serve
    }

    fn run(&self, more: &[&str]) -> Run {
        let ready = self.folder.path().join("ready.json");
        let mut serve = self.serve(more);
        serve.arg("--ready").arg(&ready);
        Run::begin(serve, &ready)
    }

    /// It does not start; what it says of that.
    fn refused(&self, more: &[&str]) -> String {
        let mut child = self.serve(more).stderr(Stdio::piped()).spawn().unwrap();
        let begun = Instant::now();
        let mut ended = child.try_wait().unwrap();
        while ended.is_none() && begun.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(20));
            ended = child.try_wait().unwrap();
        }
        child.kill().unwrap();
        let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        assert!(ended.is_some_and(|ended| !ended.success()), "{said}");
        said
    }

    async fn connect(&self) -> PgConnection {
        self.options.connect().await.unwrap()
    }

    /// Keys of the tenants there are.
    async fn tenants(&self) -> Vec<String> {
        let mut conn = self.connect().await;
        let found = sqlx::query_scalar("SELECT key FROM bellhop.tenant ORDER BY key");
        found.fetch_all(&mut conn).await.unwrap()
    }

    async fn put_in(&self, tenant: &'static str) {
        let mut conn = self.connect().await;
        sqlx::query("INSERT INTO bellhop.tenant VALUES (gen_random_uuid(), $1, $1, now())")
            .bind(tenant)
            .execute(&mut conn)
            .await
            .unwrap();
    }

    /// Which database it is, also when another one took its name.
    async fn oid(&self) -> i64 {
        let mut conn = self.connect().await;
        let oid = "SELECT oid::bigint FROM pg_database WHERE datname = current_database()";
        sqlx::query_scalar(oid).fetch_one(&mut conn).await.unwrap()
    }
}

#[tokio::test]
async fn it_brings_the_schema_and_serves_without_demo_data() {
    let Some(own) = Own::new().await else { return };
    let mut run = own.run(&[]);
    for path in ["/health/ready", "/sign-in"] {
        let answer = reqwest::get(format!("{}{path}", run.url())).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
    let applied: i64 =
        sqlx::query_scalar("SELECT count(*) FROM bellhop._sqlx_migrations WHERE success")
            .fetch_one(&mut own.connect().await)
            .await
            .unwrap();
    let all = sqlx::migrate!("../migrations").iter().count();
    assert_eq!(usize::try_from(applied).unwrap(), all);
    assert_eq!(own.tenants().await, Vec::<String>::new());
    // Neither secrets that the operator knows, nor any of a demo.
    for name in ["database_url", "tenant", "api_key", "jwt", "phones"] {
        assert_eq!(run.ready[name], Value::Null, "{name}");
    }
    assert_eq!(run.ready["logins"], Value::Array(Vec::new()));

    own.put_in("kept").await;
    assert!(run.stop(Signal::TERM).success());
    let oid = own.oid().await;
    let mut run = own.run(&[]);
    assert_eq!(own.tenants().await, ["kept"]);
    assert_eq!(own.oid().await, oid, "the one that was there");
    assert!(run.stop(Signal::TERM).success());
}

#[tokio::test]
async fn a_reset_needs_the_name_of_what_it_drops() {
    let Some(own) = Own::new().await else { return };
    let mut run = own.run(&[]);
    own.put_in("before").await;
    assert!(run.stop(Signal::TERM).success());

    let means = format!("--yes-drop={}", own.name);
    let said = own.refused(&["--reset"]);
    assert!(said.contains(&means), "it names what it would drop: {said}");
    let said = own.refused(&["--reset", "--yes-drop=postgres"]);
    assert!(said.contains("--yes-drop=postgres does not name"), "{said}");
    assert_eq!(own.tenants().await, ["before"]);

    let oid = own.oid().await;
    // Somebody's open connection does not keep it.
    let mut looking = own.connect().await;
    let mut run = own.run(&["--reset", &means]);
    assert_ne!(own.oid().await, oid);
    assert!(looking.ping().await.is_err());
    assert_eq!(own.tenants().await, Vec::<String>::new());
    let answer = reqwest::get(format!("{}/health/ready", run.url())).await;
    assert_eq!(answer.unwrap().status(), 200);
    assert!(run.stop(Signal::TERM).success());
}
