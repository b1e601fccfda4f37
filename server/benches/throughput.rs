//! Publications accepted each second by publishers that wait for every answer, one recipient each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use axum::http::HeaderMap;
use tokio::task::JoinSet;

use crate::client::Http;
use crate::hub::{Hub, messages};
use crate::product::{KIND, Product, Setup, publication};
use crate::twins::http::Twin;
use crate::twins::postgres::{self, rate};
use benches::samples::Samples;
use benches::table::{Row, Section};

const PUBLISHERS: usize = 32;
const MORE_PUBLISHERS: usize = 256;
const USERS: usize = 1_000;
const WARM: Duration = Duration::from_secs(2);
const LENGTH: Duration = Duration::from_secs(8);
/// The database's counters lag so long at most.
const LAG: Duration = Duration::from_millis(1_500);

struct Seen {
    rate: f64,
    answers: Samples,
}

pub(crate) async fn rows(setup: &Setup) -> Result<Section> {
    let product = setup.start().await?;
    product.provision(2 * USERS).await?;
    let url = product.ready.database_url.clone();

    let publishers = back_ends(&product, PUBLISHERS).await?;
    let path = "/api/v1/notifications";
    let publishers = flat_out(publishers, path, 0, WARM).await?.1;
    tokio::time::sleep(LAG).await;
    let before = postgres::commits(&url).await?;
    let (mut away, _) = flat_out(publishers, path, 0, LENGTH).await?;
    tokio::time::sleep(LAG).await;
    let commits = usize::try_from(postgres::commits(&url).await? - before)?.max(1);
    let group = (away.answers.len() + commits / 2) / commits;

    let more = back_ends(&product, MORE_PUBLISHERS).await?;
    let (mut crowded, _) = flat_out(more, path, 0, LENGTH).await?;

    let delivered = Arc::new(AtomicUsize::new(0));
    let devices = connect(&product, &delivered).await?;
    // Anew: the server has closed those that were idle meanwhile.
    let publishers = back_ends(&product, PUBLISHERS).await?;
    let (mut here, _) = flat_out(publishers, path, USERS, LENGTH).await?;
    let arrived = delivered.load(Ordering::Relaxed);
    drop(devices);

    let twin = Twin::start()?;
    let mut bare = bare(twin.address).await?;
    drop(twin);
    postgres::prepare(&url).await?;
    let single = postgres::flat_out(&url, PUBLISHERS, 1, LENGTH / 2).await?;
    let grouped = postgres::flat_out(&url, 1, group.max(1), LENGTH / 2).await?;
    product.stop()?;

    Ok(Section {
        title: "Publishing flat out",
        rows: vec![
            Row::new(
                "accepted by 32 connections, nobody connected",
                away.rate,
                "/s",
            )
            .at_least(12_000.0),
            Row::new("answer, p50", away.answers.p50(), "ms"),
            Row::new("answer, p99", away.answers.p99(), "ms").at_most(15.0),
            Row::new("accepted by 256 connections", crowded.rate, "/s").at_least(16_000.0),
            Row::new("answer, p50", crowded.answers.p50(), "ms"),
            Row::new("answer, p99", crowded.answers.p99(), "ms"),
            Row::new(
                "accepted by 32, all 1,000 recipients connected",
                here.rate,
                "/s",
            ),
            Row::new("answer, p50", here.answers.p50(), "ms"),
            Row::new("answer, p99", here.answers.p99(), "ms"),
            Row::twin("axum POST with a JSON body", bare.rate, "/s", away.rate),
            Row::new("*twin's answer, p50*", bare.answers.p50(), "ms"),
            Row::new("*twin's answer, p99*", bare.answers.p99(), "ms"),
            Row::twin("one row a commit, 32 connections", single, "/s", away.rate),
            Row::twin(
                format!("{group} rows a commit, one connection"),
                grouped,
                "/s",
                away.rate,
            ),
        ],
        notes: vec![
            format!(
                "{USERS} users in turn, {} s after {} s to warm up; {group} publications a commit on \
                 average ({} in {commits} commits, the server's own chores included)",
                LENGTH.as_secs(),
                WARM.as_secs(),
                away.answers.len(),
            ),
            format!(
                "with the recipients connected, {arrived} of {} had arrived at the last answer",
                here.answers.len()
            ),
        ],
    })
}

async fn back_ends(product: &Product, count: usize) -> Result<Vec<Http>> {
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        all.push(product.back_end().await?);
    }
    Ok(all)
}

/// One device for each of the second thousand users, who have nothing to be replayed; counts what
/// arrives.
async fn connect(product: &Product, delivered: &Arc<AtomicUsize>) -> Result<JoinSet<()>> {
    let mut devices = JoinSet::new();
    for number in USERS..2 * USERS {
        let mut hub = Hub::open(product.address, &product.hub_path(number)?).await?;
        let delivered = delivered.clone();
        devices.spawn(async move {
            while let Ok(frame) = hub.invoked(KIND).await {
                let published = messages(&frame).filter(|message| message.contains(KIND));
                delivered.fetch_add(published.count(), Ordering::Relaxed);
            }
        });
    }
    Ok(devices)
}

async fn bare(address: SocketAddr) -> Result<Seen> {
    let mut publishers = Vec::new();
    for _ in 0..PUBLISHERS {
        publishers.push(Http::open(address, HeaderMap::new()).await?);
    }
    let publishers = flat_out(publishers, "/publish", 0, WARM).await?.1;
    Ok(flat_out(publishers, "/publish", 0, LENGTH).await?.0)
}

/// Publishes to the users from `base` on.
async fn flat_out(
    publishers: Vec<Http>,
    path: &'static str,
    base: usize,
    length: Duration,
) -> Result<(Seen, Vec<Http>)> {
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    let count = publishers.len();
    for (first, mut http) in publishers.into_iter().enumerate() {
        tasks.spawn(async move {
            let mut answers = Samples::default();
            // Spread over the users, so that no two meet at one for long.
            let mut number = first * USERS / count;
            while begun.elapsed() < length {
                let body = publication(base + number % USERS, number);
                answers.add(http.post(path, body).await?.whole);
                number += 1;
            }
            anyhow::Ok((answers, http))
        });
    }
    let mut answers = Samples::default();
    let mut again = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (some, http) = done.context("a publisher's task")??;
        answers.extend(some);
        again.push(http);
    }
    let rate = rate(answers.len(), begun.elapsed());
    Ok((Seen { rate, answers }, again))
}
