//! What an idle device costs: the resident memory of the server's process before and with thousands
//! of WebSockets that have shaken hands and then only answer pings. The kernel's buffers are not in it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::hub::open_all;
use crate::product::{Setup, user};
use crate::twins::http::Twin;
use crate::twins::postgres::rate;
use benches::resident::resident;
use benches::table::{Row, Section};

const CONNECTIONS: usize = 5_000;
/// Connected and gone before the first look, so that what is made once is made.
const WARM: usize = 200;
/// Handshakes under way at once.
const AT_ONCE: usize = 64;
/// Longer than the server's ping interval of 15 s, so that each has been pinged.
const SETTLE: Duration = Duration::from_secs(20);

struct Seen {
    /// KiB a connection.
    each: f64,
    /// Connections opened a second.
    rate: f64,
}

pub(crate) async fn rows(setup: &Setup) -> Result<Section> {
    let product = setup.start().await?;
    product.provision(CONNECTIONS).await?;
    let paths = (0..CONNECTIONS)
        .map(|number| product.hub_path(number))
        .collect::<Result<Vec<_>>>()?;
    let ours = measure(product.address, product.ready.pid, &paths).await?;
    product.stop()?;
    let bare = bare("").await?;
    let small = bare_small().await?;
    Ok(Section {
        title: "Idle WebSocket connections, 5,000",
        rows: vec![
            Row::new("server memory, each", ours.each, "KiB").at_most(16.0),
            Row::twin("axum as it comes", bare.each, "KiB", ours.each),
            Row::twin("axum, read buffer of 4 KiB", small.each, "KiB", ours.each),
            Row::new("connections opened, token verified", ours.rate, "/s"),
            Row::twin("axum, read buffer of 4 KiB", small.rate, "/s", ours.rate),
        ],
        notes: vec![format!(
            "resident memory of the process, {} s after the last handshake, less that after {WARM} \
             connections had come and gone; each device belongs to a user of its own",
            SETTLE.as_secs()
        )],
    })
}

async fn bare_small() -> Result<Seen> {
    bare("?read=4096").await
}

async fn bare(query: &str) -> Result<Seen> {
    let twin = Twin::start()?;
    let paths: Vec<String> = (0..CONNECTIONS)
        .map(|number| format!("/socket/{}{query}", user(number)))
        .collect();
    measure(twin.address, twin.pid(), &paths).await
}

async fn measure(address: SocketAddr, pid: u32, paths: &[String]) -> Result<Seen> {
    drop(open(address, paths.get(..WARM).unwrap_or(paths)).await?);
    sleep(Duration::from_secs(3)).await;
    let before = resident(pid)?;
    let begun = Instant::now();
    let devices = open(address, paths).await?;
    let took = begun.elapsed();
    sleep(SETTLE).await;
    let with = resident(pid)?;
    if devices.len() < paths.len() {
        anyhow::bail!("connections ended meanwhile");
    }
    Ok(Seen {
        each: (with - before) / rate(paths.len(), Duration::from_secs(1)),
        rate: rate(paths.len(), took),
    })
}

async fn open(address: SocketAddr, paths: &[String]) -> Result<JoinSet<()>> {
    open_all(address, paths, AT_ONCE, |_, hub| hub.idle()).await
}
