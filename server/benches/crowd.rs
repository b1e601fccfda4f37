//! Ten thousand connections: one notification to all of them, a live event, and all of them coming back at once to
//! what they missed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use parking_lot::Mutex;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::client::Http;
use crate::hub::{Hub, mark, messages, open_all};
use crate::product::{KIND, Product, Setup, publication_to};
use benches::samples::Samples;
use benches::table::{Row, Section};

const CROWD: usize = 10_000;
/// The users who stay connected, and those who come back, apart from those of other rows.
const HERE: usize = 20_000;
const AWAY: usize = 30_000;
const PENDING: usize = 10;
const TIMES: usize = 5;
/// Handshakes under way at once.
const AT_ONCE: usize = 256;
const EVENT: &str = "BenchMoved";
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) async fn rows(setup: &Setup) -> Result<Section> {
    let product = setup.start().await?;
    for (first, group) in [(HERE, "bench-here"), (AWAY, "bench-away")] {
        product
            .provision_some(first..first + CROWD, &[group])
            .await?;
    }
    let mut back_end = product.back_end().await?;
    let (mut notified, mut accepted, mut event) = broadcast(&product, &mut back_end).await?;
    publish_to_away(&product, &mut back_end).await?;
    let storm = storm(&product).await?;
    product.stop()?;
    Ok(Section {
        title: "10,000 connections",
        rows: vec![
            Row::new("one notification to all, answer, p50", accepted.p50(), "ms"),
            Row::new("the same, last socket written, p50", notified.p50(), "ms").at_most(1_000.0),
            Row::new("the same, the slowest of five", notified.max(), "ms"),
            Row::new("one live event to all, p50", event.p50(), "ms").at_most(100.0),
            Row::new("the same, the slowest of five", event.max(), "ms"),
            Row::new("all back, each with 10 it missed", storm.took, "ms").at_most(3_000.0),
            Row::new("missing of 100,000", storm.missing, "").at_most(0.0),
            Row::new("doubled", storm.doubled, "").at_most(0.0),
        ],
        notes: vec![
            format!(
                "a user and a WebSocket each, which never acknowledges; from the request to the last client's having \
                 it, {TIMES} times; what a client has was committed"
            ),
            format!(
                "coming back: from the first connect to the last client's having all it missed, {AT_ONCE} handshakes \
                 at once, {PENDING} items each; the driver's own work for its 10,000 clients is in it"
            ),
        ],
    })
}

/// Counts arrivals, and knows when the last came.
#[derive(Default)]
struct Arrivals {
    count: AtomicUsize,
    last: Mutex<Option<Instant>>,
    all: Notify,
}

impl Arrivals {
    fn one(&self, of: usize) {
        if self.count.fetch_add(1, Ordering::Relaxed) + 1 == of {
            *self.last.lock() = Some(Instant::now());
            self.all.notify_one();
        }
    }

    /// From `begun` until all had come.
    async fn wait(&self, begun: Instant) -> Result<Duration> {
        let waited = timeout(PATIENCE, self.all.notified()).await;
        waited.with_context(|| format!("only {} came", self.count.load(Ordering::Relaxed)))?;
        self.count.store(0, Ordering::Relaxed);
        let last = self.last.lock().take().context("nobody came")?;
        Ok(last - begun)
    }
}

fn paths(product: &Product, first: usize) -> Result<Vec<String>> {
    (first..first + CROWD)
        .map(|number| product.hub_path(number))
        .collect()
}

/// A notification and an event to all who are here, several times.
async fn broadcast(product: &Product, back_end: &mut Http) -> Result<(Samples, Samples, Samples)> {
    let arrivals: [Arc<Arrivals>; 2] = Default::default();
    let paths = paths(product, HERE)?;
    let devices: JoinSet<()> = open_all(product.address, &paths, AT_ONCE, |_, hub| {
        count(hub, arrivals.clone())
    })
    .await?;
    let (mut notified, mut accepted, mut event) = <(Samples, Samples, Samples)>::default();
    for number in 0..TIMES {
        let body = publication_to(&json!({"groups": ["bench-here"]}), number).to_string();
        let begun = Instant::now();
        let answer = back_end.post("/api/v1/notifications", body).await?;
        accepted.add(answer.whole);
        notified.add(arrivals[0].wait(begun).await?);
        sleep(Duration::from_secs(1)).await;
    }
    for number in 0..TIMES {
        let body =
            json!({"group": "group:bench-here", "method": EVENT, "key": "k", "payload": number});
        let begun = Instant::now();
        back_end.post("/api/v1/events", body.to_string()).await?;
        event.add(arrivals[1].wait(begun).await?);
        sleep(Duration::from_secs(1)).await;
    }
    if devices.len() < CROWD {
        bail!("connections ended meanwhile");
    }
    Ok((notified, accepted, event))
}

async fn count(mut hub: Hub, arrivals: [Arc<Arrivals>; 2]) {
    while let Ok(frame) = hub.text().await {
        for message in messages(&frame) {
            for (target, arrivals) in [KIND, EVENT].iter().zip(&arrivals) {
                if message.contains(target) {
                    arrivals.one(CROWD);
                }
            }
        }
    }
}

/// Publishes to those who are away, and waits until each is owed it.
async fn publish_to_away(product: &Product, back_end: &mut Http) -> Result<()> {
    for number in 0..PENDING {
        let body = publication_to(&json!({"groups": ["bench-away"]}), number).to_string();
        back_end.post("/api/v1/notifications", body).await?;
    }
    let mut database = PgConnection::connect(&product.ready.database_url).await?;
    let begun = Instant::now();
    loop {
        let paged: i64 = sqlx::query_scalar("SELECT count(*) FROM bellhop.fanout")
            .fetch_one(&mut database)
            .await?;
        if paged == 0 {
            break;
        }
        if begun.elapsed() > PATIENCE {
            bail!("{paged} publications are still not routed");
        }
        sleep(Duration::from_millis(200)).await;
    }
    Ok(database.close().await?)
}

struct Storm {
    /// Milliseconds.
    took: f64,
    missing: f64,
    doubled: f64,
}

/// All connect; each is whole when it has all it missed.
async fn storm(product: &Product) -> Result<Storm> {
    let paths = paths(product, AWAY)?;
    let begun = Instant::now();
    let mut devices = come_back(product.address, &paths).await?;
    let (mut whole, mut missing, mut doubled) = (Duration::ZERO, 0_u32, 0_u32);
    while let Some(device) = devices.join_next().await {
        let (seen, at) = device?;
        whole = whole.max(at - begun);
        missing += seen.iter().map(|count| u32::from(*count == 0)).sum::<u32>();
        doubled += seen.iter().map(|count| u32::from(*count > 1)).sum::<u32>();
    }
    Ok(Storm {
        took: whole.as_secs_f64() * 1_000.0,
        missing: f64::from(missing),
        doubled: f64::from(doubled),
    })
}

/// How often each of the ten came, and when the last did.
type Whole = ([u8; PENDING], Instant);

async fn come_back(address: SocketAddr, paths: &[String]) -> Result<JoinSet<Whole>> {
    open_all(address, paths, AT_ONCE, |_, mut hub| async move {
        let (mut seen, mut at) = ([0_u8; PENDING], Instant::now());
        while seen.contains(&0) {
            let Ok(Ok(frame)) = timeout(PATIENCE, hub.text()).await else {
                break;
            };
            at = Instant::now();
            for message in messages(&frame).filter(|message| message.contains(KIND)) {
                if let Some(count) = mark(message).ok().and_then(|mark| seen.get_mut(mark)) {
                    *count = count.saturating_add(1);
                }
            }
        }
        (seen, at)
    })
    .await
}
