//! Bare PostgreSQL: insert rows of about a notification's size and commit, in the product's own
//! cluster, with a prepared statement and nothing around it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use benches::samples::Samples;

/// What a notification and its delivery hold beside their text.
const ROW: &str = "INSERT INTO bench.row (who, body) \
                   SELECT 'bench-00001', b FROM unnest($1::text[]) AS b";

/// Makes the table anew, beside the product's schema.
pub(crate) async fn prepare(url: &str) -> Result<()> {
    let mut database = PgConnection::connect(url).await?;
    database
        .execute(
            "DROP SCHEMA IF EXISTS bench CASCADE;
             CREATE SCHEMA bench;
             CREATE TABLE bench.row (
                 id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                 at timestamptz NOT NULL DEFAULT now(),
                 who text NOT NULL,
                 body text NOT NULL);
             CREATE INDEX ON bench.row (who, id);",
        )
        .await?;
    Ok(database.close().await?)
}

/// One row a commit, so many a second: what the promise "on disk when answered" costs by itself.
pub(crate) async fn paced(url: &str, every: Duration, count: usize) -> Result<Samples> {
    let mut database = PgConnection::connect(url).await?;
    let rows = rows(1);
    commit(&mut database, &rows).await?; // prepares the statement
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut samples = Samples::default();
    for _ in 0..count {
        ticks.tick().await;
        let begun = Instant::now();
        commit(&mut database, &rows).await?;
        samples.add(begun.elapsed());
    }
    database.close().await?;
    Ok(samples)
}

/// As fast as it goes, on so many connections with so many rows a commit; answers rows a second.
pub(crate) async fn flat_out(
    url: &str,
    connections: usize,
    batch: usize,
    length: Duration,
) -> Result<f64> {
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let mut database = PgConnection::connect(url).await?;
        let rows = rows(batch);
        commit(&mut database, &rows).await?;
        tasks.spawn(async move {
            let begun = Instant::now();
            let mut count = 0_usize;
            while begun.elapsed() < length {
                commit(&mut database, &rows).await?;
                count += batch;
            }
            database.close().await?;
            anyhow::Ok(rate(count, begun.elapsed()))
        });
    }
    let mut sum = 0.0;
    while let Some(done) = tasks.join_next().await {
        sum += done.context("a twin's task")??;
    }
    Ok(sum)
}

fn rows(count: usize) -> Vec<String> {
    vec![crate::product::publication(0, 0); count]
}

async fn commit(database: &mut PgConnection, rows: &[String]) -> Result<()> {
    // A statement of its own is a transaction of its own: one round trip.
    sqlx::query(ROW).bind(rows).execute(database).await?;
    Ok(())
}

/// So many in that time, as so many a second.
#[expect(clippy::cast_precision_loss, reason = "counts of seconds fit")]
pub(crate) fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// Transactions that the database has committed so far, others' and the product's own chores
/// included. Its statistics lag by up to a second.
pub(crate) async fn commits(url: &str) -> Result<i64> {
    let mut database = PgConnection::connect(url).await?;
    let commits = sqlx::query_scalar(
        "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()",
    )
    .fetch_one(&mut database)
    .await?;
    database.close().await?;
    Ok(commits)
}
