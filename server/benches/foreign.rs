//! From the statement of a program that knows nothing of Bellhop to the frame's arrival, beside what the
//! database's own notification takes.

use std::time::Instant;

use anyhow::{Context as _, Result};
use sqlx::postgres::PgListener;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::time::{MissedTickBehavior, interval};

use crate::hub::Hub;
use crate::latency::{COUNT, EVERY, Publisher, measure};
use crate::product::{KIND, Product, Setup, user};
use benches::samples::Samples;
use benches::table::{Row, Section};

/// Apart from the users of other rows, whose backlog would come first.
const WHO: usize = 45_000;

pub(crate) async fn rows(setup: &Setup) -> Result<Section> {
    let product = setup.start().await?;
    product.provision_some(WHO..WHO + 1, &[]).await?;
    let hub = Hub::open(product.address, &product.hub_path(WHO)?).await?;
    let mut ours = measure(program(&product).await?, hub).await?;
    let mut bare = round_trips(&product.ready.database_url).await?;
    product.stop()?;
    let (p50, p99) = (ours.arrived.p50(), ours.arrived.p99());
    Ok(Section {
        title: "A row by SQL to socket, 50/s",
        rows: vec![
            Row::new("statement begun to frame arrived, p50", p50, "ms"),
            Row::new("the same, p99", p99, "ms").at_most(50.0),
            Row::twin("NOTIFY to another session, p50", bare.p50(), "ms", p50),
            Row::twin("NOTIFY to another session, p99", bare.p99(), "ms", p99),
        ],
        notes: vec![format!(
            "{COUNT} rows, one user, one device; the longest took {:.2} ms",
            ours.arrived.max()
        )],
    })
}

/// A session of a program, as the role that the product itself uses.
struct Program(PgConnection);

async fn program(product: &Product) -> Result<Program> {
    let mut database = PgConnection::connect(&product.ready.database_url).await?;
    sqlx::query(
        "INSERT INTO bellhop.role_grant SELECT current_user, t.id, s.id
           FROM bellhop.tenant t JOIN bellhop.service s ON s.tenant_id = t.id
          WHERE t.key = $1 AND s.key = $2 ON CONFLICT DO NOTHING",
    )
    .bind(&product.ready.tenant)
    .bind(&product.ready.service)
    .execute(&mut database)
    .await?;
    Ok(Program(database))
}

impl Publisher for Program {
    async fn publish(&mut self, number: usize) -> Result<()> {
        sqlx::query(
            "SELECT bellhop.publish($1, 'By SQL', users => ARRAY[$2::text], data => $3::jsonb)",
        )
        .bind(KIND)
        .bind(user(WHO))
        .bind(format!("{{\"mark\": {number}}}"))
        .execute(&mut self.0)
        .await
        .context("the row was refused")?;
        Ok(())
    }
}

/// From the statement to the other session's having it.
async fn round_trips(url: &str) -> Result<Samples> {
    let mut speaker = PgConnection::connect(url).await?;
    let mut listener = PgListener::connect(url).await?;
    listener.listen("bench").await?;
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut samples = Samples::default();
    for _ in 0..COUNT {
        ticks.tick().await;
        let begun = Instant::now();
        speaker.execute("NOTIFY bench").await?;
        listener.recv().await?;
        samples.add(begun.elapsed());
    }
    speaker.close().await?;
    Ok(samples)
}
