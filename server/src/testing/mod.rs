//! A database of its own for every test, cloned from a template that is migrated once.
//!
//! `BELLHOP_TEST_DATABASE_URL` names a superuser of a scratch Postgres. Any number of test
//! processes may share that cluster: the template is named after the migrations and the day, made
//! under an advisory lock, and closed to connections, so cloning never waits for anybody. Clones
//! are not dropped by the test that made them (a failed test's rows can be looked at); the next run
//! drops what is older than ten minutes and has no connection.

#[cfg(test)]
pub(crate) mod client;
#[cfg(test)]
pub(crate) mod house;
#[cfg(test)]
pub(crate) mod log;
#[cfg(test)]
pub(crate) mod phones;
#[cfg(test)]
pub(crate) mod poll;
#[cfg(test)]
pub(crate) mod stream;
#[cfg(test)]
pub(crate) mod wire;

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool};
use tokio::sync::OnceCell;

/// The variable that says where tests may make databases.
pub const VARIABLE: &str = "BELLHOP_TEST_DATABASE_URL";

/// Any number, as long as every test process agrees on it.
const TEMPLATE_LOCK: i64 = 0x0062_656c_6c68_6f70;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");
static TEMPLATE: OnceCell<String> = OnceCell::const_new();
static CLONES: AtomicU32 = AtomicU32::new(0);

/// A migrated, empty database nobody else uses, with ledger partitions from yesterday on for a week.
///
/// # Panics
/// Without [`VARIABLE`], or when that Postgres does not answer: a test that needs a database must
/// never pass because there is none.
pub async fn database() -> PgPool {
    let server = server();
    let template = TEMPLATE.get_or_init(|| template(&server)).await;
    clone_of(&server, template).await
}

/// What a backup of this database would be: a copy as it is now. Closes the pool first.
#[cfg(test)]
pub(crate) async fn copy(pool: &PgPool) -> PgPool {
    let name = pool.connect_options().get_database().map(str::to_owned);
    pool.close().await;
    clone_of(&server(), &name.expect("a clone has a name")).await
}

/// Puts a backup in a database's place under whoever uses it, as a restore does: their connections break, and
/// the next ones find the backup.
#[cfg(test)]
pub(crate) async fn put_in_place_of(used: &PgPool, backup: &PgPool) {
    let name = |pool: &PgPool| pool.connect_options().get_database().unwrap().to_owned();
    let (used, from) = (name(used), name(backup));
    backup.close().await;
    let mut admin = connect(&server()).await;
    for statement in [
        format!("ALTER DATABASE {used} ALLOW_CONNECTIONS false"),
        format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{used}'"
        ),
        format!("ALTER DATABASE {used} RENAME TO {used}_gone"),
        format!("ALTER DATABASE {from} RENAME TO {used}"),
    ] {
        run(&mut admin, &statement).await;
    }
    admin.close().await.ok();
}

/// The database is away for whoever uses it: their connections break, and new ones are refused until `open`.
#[cfg(test)]
pub(crate) async fn shut(pool: &PgPool, open: bool) {
    let name = pool.connect_options().get_database().unwrap().to_owned();
    let mut admin = connect(&server()).await;
    run(
        &mut admin,
        &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {open}"),
    )
    .await;
    if !open {
        run(
            &mut admin,
            &format!(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
            ),
        )
        .await;
    }
    admin.close().await.ok();
}

async fn clone_of(server: &PgConnectOptions, template: &str) -> PgPool {
    let mut admin = connect(server).await;
    let seconds: i64 = sqlx::query_scalar("SELECT extract(epoch FROM now())::bigint")
        .fetch_one(&mut admin)
        .await
        .expect("the scratch Postgres tells the time");
    let clone = format!(
        "bellhop_t_{seconds}_{}_{}",
        std::process::id(),
        CLONES.fetch_add(1, Ordering::Relaxed)
    );
    run(
        &mut admin,
        &format!("CREATE DATABASE {clone} TEMPLATE {template}"),
    )
    .await;
    admin.close().await.ok();
    PgPoolOptions::new()
        .max_connections(8)
        // A test's rows need not survive a power cut.
        .connect_with(
            server
                .clone()
                .database(&clone)
                .options([("synchronous_commit", "off")]),
        )
        .await
        .expect("the fresh clone takes connections")
}

/// Makes the ledger's partitions for `days` days from `first` (`2026-03-29`) on: for tests whose
/// clock does not stand at today.
///
/// # Panics
/// When the database refuses.
pub async fn partitions(pool: &PgPool, first: &str, days: i32) {
    sqlx::query("SELECT bellhop.ensure_partitions($1::text::date, $2)")
        .bind(first)
        .bind(days)
        .execute(pool)
        .await
        .expect("partitions can be made");
}

fn server() -> PgConnectOptions {
    let Ok(url) = std::env::var(VARIABLE) else {
        panic!(
            "{VARIABLE} is not set. Point it at a superuser of a scratch Postgres 15 or newer, for \
             example postgres://postgres:secret@127.0.0.1:5432/postgres; tests make and drop \
             databases named bellhop_t_* and bellhop_tpl_* there."
        )
    };
    PgConnectOptions::from_str(&url)
        .unwrap_or_else(|error| panic!("{VARIABLE} is no Postgres URL: {error}"))
        .disable_statement_logging()
}

async fn connect(options: &PgConnectOptions) -> PgConnection {
    match options.connect().await {
        Ok(conn) => conn,
        Err(error) => panic!("the Postgres of {VARIABLE} does not answer: {error}"),
    }
}

async fn run(conn: &mut PgConnection, statement: &str) {
    if let Err(error) = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(conn)
        .await
    {
        panic!("{statement}: {error}");
    }
}

/// The name of the template, made first when this is the first process of the day to ask.
async fn template(server: &PgConnectOptions) -> String {
    let mut admin = connect(server).await;
    let day: String = sqlx::query_scalar("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')")
        .fetch_one(&mut admin)
        .await
        .expect("the scratch Postgres tells the day");
    let name = format!("bellhop_tpl_{day}_{:08x}", fingerprint());
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut admin)
        .await
        .expect("the lock is free once other processes have made their template");
    drop_leftovers(&mut admin).await;
    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(&name)
            .fetch_one(&mut admin)
            .await
            .expect("the catalog can be read");
    if !there {
        // Under another name until it is whole: a process killed half-way leaves no half template.
        let draft = format!("bellhop_t_0_{}_draft", std::process::id());
        run(&mut admin, &format!("DROP DATABASE IF EXISTS {draft}")).await;
        run(&mut admin, &format!("CREATE DATABASE {draft}")).await;
        let mut conn = connect(&server.clone().database(&draft)).await;
        MIGRATIONS
            .run_direct(None, &mut conn, false)
            .await
            .expect("the migrations apply to an empty database");
        run(
            &mut conn,
            "SELECT bellhop.ensure_partitions((now() AT TIME ZONE 'UTC')::date - 1, 8)",
        )
        .await;
        conn.close().await.ok();
        run(
            &mut admin,
            &format!("ALTER DATABASE {draft} RENAME TO {name}"),
        )
        .await;
        run(
            &mut admin,
            &format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"),
        )
        .await;
    }
    admin.close().await.ok(); // frees the lock
    name
}

/// Drops clones older than ten minutes that nobody uses, and templates older than yesterday (a
/// process that began before midnight still clones from that one).
async fn drop_leftovers(admin: &mut PgConnection) {
    let names: Vec<String> = sqlx::query_scalar(
        r"SELECT datname FROM pg_database d
           WHERE (datname ~ '^bellhop_t_\d+_'
                  AND split_part(datname, '_', 3)::bigint < extract(epoch FROM now()) - 600
                  AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid))
              OR (datname ~ '^bellhop_tpl_\d{8}_'
                  AND split_part(datname, '_', 3)
                      < to_char((now() AT TIME ZONE 'UTC')::date - 1, 'YYYYMMDD'))",
    )
    .fetch_all(&mut *admin)
    .await
    .expect("the catalog can be read");
    for name in names {
        let statement = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name}"));
        // Somebody looking into an old clone keeps it; the next run tries again.
        sqlx::raw_sql(statement).execute(&mut *admin).await.ok();
    }
}

/// Of all migrations together, so that a changed one gets a template of its own.
fn fingerprint() -> u32 {
    MIGRATIONS
        .iter()
        .flat_map(|migration| migration.checksum.iter())
        .fold(0x811c_9dc5, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        })
}

/// Asks until it is so; fails after ten seconds. For what happens in another task after a commit.
///
/// # Panics
/// When it never is.
#[cfg(test)]
pub(crate) async fn eventually<F: Future<Output = bool>>(mut so: impl FnMut() -> F) {
    for _ in 0..1_000 {
        if so().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it never came to be so");
}

/// Settings that nothing here depends on.
#[cfg(test)]
pub(crate) fn config() -> crate::support::config::Config {
    use clap::Parser as _;
    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        config: crate::support::config::Config,
    }
    Cli::parse_from(["bellhop", "--pg-bin=/nowhere"]).config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_databases_share_the_schema_and_no_row() {
        let (one, two) = (database().await, database().await);
        sqlx::query("INSERT INTO bellhop.tenant VALUES (gen_random_uuid(), 'a', 'A', now())")
            .execute(&one)
            .await
            .unwrap();
        let count = "SELECT count(*) FROM bellhop.tenant";
        assert_eq!(
            sqlx::query_scalar::<_, i64>(count)
                .fetch_one(&one)
                .await
                .unwrap(),
            1
        );
        assert_eq!(
            sqlx::query_scalar::<_, i64>(count)
                .fetch_one(&two)
                .await
                .unwrap(),
            0
        );
    }
}
