//! What a backlog of ten million deliveries costs whoever publishes now: nothing, if every statement of the way looks
//! things up by index and nothing that runs beside it reads the whole.
//!
//! The backlog is generated: 1,000 notifications to 10,000 users over a week, each unsettled, each with the parked debt
//! that the sweep would have made. It takes some minutes and 6 GB.

use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::client::Http;
use crate::hub::Hub;
use crate::latency::{Publisher, Seen, measure};
use crate::product::{KIND, Product, Setup, publication};
use benches::samples::Samples;
use benches::table::{Row, Section};

const USERS: usize = 10_000;
/// Apart from those of other rows.
const FIRST: usize = 50_000;
/// Of each user.
const OWED: usize = 1_000;
/// Notifications a statement.
const STEP: usize = 50;
/// Who is published to, before and after: two, for what they were sent stays owed to them.
const BEFORE: usize = 48_000;
const AFTER: usize = 48_001;
/// Connections that come back to their thousand.
const COMERS: usize = 100;

pub(crate) async fn rows(setup: &Setup) -> Result<Section> {
    let product = setup.start().await?;
    product.provision_some(BEFORE..AFTER + 1, &[]).await?;
    product.provision_some(FIRST..FIRST + USERS, &[]).await?;
    let mut before = publishing(&product, BEFORE).await?;
    let begun = Instant::now();
    let count = generate(&product.ready.database_url).await?;
    let took = begun.elapsed();
    let mut after = publishing(&product, AFTER).await?;
    let mut back = come_back(&product).await?;
    product.stop()?;
    let (p50, p99) = (after.arrived.p50(), after.arrived.p99());
    Ok(Section {
        title: "A backlog of ten million",
        rows: vec![
            Row::new("publish to socket beside it, p50", p50, "ms"),
            Row::new("the same, p99", p99, "ms"),
            Row::twin("before there was any, p50", before.arrived.p50(), "ms", p50)
                .times_at_most(1.25),
            Row::twin("before there was any, p99", before.arrived.p99(), "ms", p99),
            Row::new(
                "call to the first of 1,000 items owed, p50",
                back.p50(),
                "ms",
            ),
            Row::new("the same, p99", back.p99(), "ms"),
        ],
        notes: vec![format!(
            "{count} unsettled deliveries with a parked debt each, of {USERS} users, generated in {} s and vacuumed; \
             publishing at 50/s as in the row latency",
            took.as_secs()
        )],
    })
}

/// By HTTP, to one user.
struct To {
    http: Http,
    who: usize,
}

impl Publisher for To {
    async fn publish(&mut self, number: usize) -> Result<()> {
        let body = publication(self.who, number);
        self.http
            .post("/api/v1/notifications", body)
            .await
            .map(drop)
    }
}

async fn publishing(product: &Product, who: usize) -> Result<Seen> {
    let hub = Hub::open(product.address, &product.hub_path(who)?).await?;
    let http = product.back_end().await?;
    measure(To { http, who }, hub).await
}

/// From the call that begins the replay to the first frame with an item, one user after the other.
async fn come_back(product: &Product) -> Result<Samples> {
    let mut samples = Samples::default();
    for number in FIRST..FIRST + COMERS {
        let path = format!("{}&replay=manual", product.hub_path(number)?);
        let mut hub = Hub::open(product.address, &path).await?;
        let begun = Instant::now();
        hub.call("SetAppState", &json!(["active"]).to_string())
            .await?;
        hub.invoked(KIND).await?;
        samples.add(begun.elapsed());
    }
    Ok(samples)
}

/// Answers how many deliveries are unsettled then.
async fn generate(url: &str) -> Result<i64> {
    let mut database = PgConnection::connect(url).await?;
    database
        .execute(
            "SET synchronous_commit = off;
             SET transaction_timeout = 0;
             SELECT bellhop.ensure_partitions(current_date - 8, 9);
             CREATE TEMP TABLE crowd AS
                    SELECT id, tenant_id FROM bellhop.user_account
                     WHERE key BETWEEN 'bench-50000' AND 'bench-59999';",
        )
        .await
        .context("the partitions of a week")?;
    for first in (1..=OWED).step_by(STEP) {
        sqlx::query(
            "WITH made AS (
                 SELECT n, bellhop.uuid_v7(now() - interval '7 days' * (1 - n::float8 / $3) - interval '1 minute') AS id
                   FROM generate_series($1, $2) n),
             note AS (
                 INSERT INTO bellhop.notification (id, at, tenant_id, service_id, kind, title, body, data, severity,
                                                   audience, recipients, expires_at)
                 SELECT made.id, bellhop.instant_of(made.id), s.tenant_id, s.id, $4, 'Owed', '', '{}', 'info', '', 10000,
                        now() + interval '14 days'
                   FROM made, (SELECT DISTINCT s.id, s.tenant_id FROM bellhop.service s
                                 JOIN crowd c ON c.tenant_id = s.tenant_id LIMIT 1) s),
             owed AS (
                 INSERT INTO bellhop.delivery (user_id, seq, at, tenant_id, notification_id, expires_at)
                 SELECT c.id, n, bellhop.instant_of(made.id), c.tenant_id, made.id, now() + interval '14 days'
                   FROM made, crowd c)
             INSERT INTO bellhop.debt (user_id, seq, at, tenant_id, notification_id, rung, next_at)
             SELECT c.id, n, bellhop.instant_of(made.id), c.tenant_id, made.id, 3, now() + interval '14 days'
               FROM made, crowd c",
        )
        .bind(i64::try_from(first)?)
        .bind(i64::try_from(first + STEP - 1)?)
        .bind(i64::try_from(OWED)?)
        .bind(KIND)
        .execute(&mut database)
        .await
        .context("a part of the backlog")?;
    }
    sqlx::query(
        "UPDATE bellhop.user_stream s SET last_seq = $1 FROM crowd c WHERE c.id = s.user_id",
    )
    .bind(i64::try_from(OWED)?)
    .execute(&mut database)
    .await?;
    database.execute("VACUUM ANALYZE").await?;
    database.execute("CHECKPOINT").await?;
    let count = sqlx::query_scalar("SELECT count(*) FROM bellhop.delivery WHERE state = 0")
        .fetch_one(&mut database)
        .await?;
    database.close().await?;
    Ok(count)
}
