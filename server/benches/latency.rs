//! From the start of the publishing request to the frame's arrival at the recipient's device, at a
//! rate that keeps nothing busy: what one notification costs in time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::client::Http;
use crate::hub::{Hub, mark, messages};
use crate::product::{KIND, Setup, publication, user};
use crate::twins::{http::Twin, postgres};
use benches::samples::Samples;
use benches::table::{Row, Section};

pub(crate) const EVERY: Duration = Duration::from_millis(20);
const WARM: usize = 100;
pub(crate) const COUNT: usize = 1_500;
/// What has not come by then is lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// Of the same publications.
pub(crate) struct Seen {
    pub(crate) arrived: Samples,
    answered: Samples,
}

pub(crate) async fn rows(setup: &Setup) -> Result<Section> {
    let product = setup.start().await?;
    product.provision(1).await?;
    let hub = Hub::open(product.address, &product.hub_path(0)?).await?;
    let path = "/api/v1/notifications";
    let http = product.back_end().await?;
    let mut ours = measure(Back { http, path }, hub).await?;

    let twin = Twin::start()?;
    let mut bare = bare(twin.address).await?;
    postgres::prepare(&product.ready.database_url).await?;
    let mut commit = postgres::paced(&product.ready.database_url, EVERY, COUNT).await?;
    product.stop()?;

    let (p50, p99) = (ours.arrived.p50(), ours.arrived.p99());
    let (bare50, bare99) = (bare.arrived.p50(), bare.arrived.p99());
    let (commit50, commit99) = (commit.p50(), commit.p99());
    Ok(Section {
        title: "Publish to socket, 50/s",
        rows: vec![
            Row::new("request begun to frame arrived, p50", p50, "ms").at_most(1.0),
            Row::new("the same, p99", p99, "ms").at_most(3.0),
            Row::twin("axum POST to WebSocket, p50", bare50, "ms", p50),
            Row::twin("axum POST to WebSocket, p99", bare99, "ms", p99),
            Row::twin("INSERT and commit of one row, p50", commit50, "ms", p50),
            Row::twin("INSERT and commit of one row, p99", commit99, "ms", p99),
            Row::twin("both twins in a row, p50", bare50 + commit50, "ms", p50),
        ],
        notes: vec![
            format!("{COUNT} publications, one user, one device, after {WARM} to warm up"),
            format!(
                "the slowest arrived after {:.2} ms; the publisher's answer: p50 {:.2} ms, p99 {:.2} ms",
                ours.arrived.max(),
                ours.answered.p50(),
                ours.answered.p99()
            ),
        ],
    })
}

async fn bare(address: SocketAddr) -> Result<Seen> {
    let path = format!("/socket/{}?read=4096", user(0));
    let hub = Hub::open(address, &path).await?;
    let http = Http::open(address, axum::http::HeaderMap::new()).await?;
    let path = "/publish";
    measure(Back { http, path }, hub).await
}

/// Says how one is published to the hub's user; `number` is its mark.
pub(crate) trait Publisher {
    async fn publish(&mut self, number: usize) -> Result<()>;
}

/// By HTTP, to user 0.
struct Back<'a> {
    http: Http,
    path: &'a str,
}

impl Publisher for Back<'_> {
    async fn publish(&mut self, number: usize) -> Result<()> {
        let body = publication(0, number);
        self.http.post(self.path, body).await.map(drop)
    }
}

pub(crate) async fn measure<P: Publisher>(mut publisher: P, mut hub: Hub) -> Result<Seen> {
    let (tell, mut arrivals) = mpsc::channel(WARM + COUNT);
    let mut device = JoinSet::new();
    device.spawn(async move {
        loop {
            let frame = hub.invoked(KIND).await?;
            let at = Instant::now();
            for message in messages(&frame).filter(|message| message.contains(KIND)) {
                if tell.send((mark(message)?, at)).await.is_err() {
                    return anyhow::Ok(());
                }
            }
        }
    });
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut begun = Vec::with_capacity(WARM + COUNT);
    let mut seen = Seen {
        arrived: Samples::default(),
        answered: Samples::default(),
    };
    for number in 0..WARM + COUNT {
        ticks.tick().await;
        let at = Instant::now();
        begun.push(at);
        publisher.publish(number).await?;
        if number >= WARM {
            seen.answered.add(at.elapsed());
        }
    }
    for _ in 0..begun.len() {
        let Some((number, at)) = timeout(PATIENCE, arrivals.recv())
            .await
            .context("not all that was published arrived")?
        else {
            bail!("the device's connection ended");
        };
        let from = begun.get(number).context("a mark that was not sent")?;
        if number >= WARM {
            seen.arrived.add(at - *from);
        }
    }
    Ok(seen)
}
