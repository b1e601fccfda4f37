//! From the start of the process to its first page, with a database that exists: what an update or a
//! restart costs those who wait.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use axum::http::{HeaderMap, StatusCode};

use crate::client::Http;
use crate::product::{Setup, terminate};
use benches::samples::Samples;
use benches::table::{Row, Section};

const COUNT: usize = 5;
const LOOK: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) async fn rows(setup: &Setup) -> Result<Section> {
    let mut ours = Samples::default();
    let mut bare = Samples::default();
    for _ in 0..COUNT {
        ours.add(first_page(setup).await?);
        let begun = Instant::now();
        let running = setup.cluster()?.start()?;
        bare.add(begun.elapsed());
        running.stop();
    }
    let p50 = ours.p50();
    Ok(Section {
        title: "Start, with an existing database",
        rows: vec![
            Row::new("process begun to first page served, median", p50, "ms").at_most(5_000.0),
            Row::new("the slowest", ours.max(), "ms").at_most(5_000.0),
            Row::twin("PostgreSQL alone", bare.p50(), "ms", p50),
        ],
        notes: vec![format!(
            "{COUNT} starts, each after a clean stop of server and database; the page is /sign-in"
        )],
    })
}

async fn first_page(setup: &Setup) -> Result<Duration> {
    // A port known beforehand: the ready file would be seen later than the first page could be.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let begun = Instant::now();
    let mut child = setup.spawn(&["--port", &port.port().to_string()])?;
    let page = loop {
        if let Some(ended) = child.try_wait()? {
            bail!("the server ended before it served ({ended})");
        }
        if page(port)
            .await
            .is_ok_and(|status| status == StatusCode::OK)
        {
            break Some(begun.elapsed());
        }
        if begun.elapsed() > PATIENCE {
            break None;
        }
        tokio::time::sleep(LOOK).await;
    };
    terminate(&child);
    child.wait()?;
    match page {
        Some(took) => Ok(took),
        None => bail!("no page within a minute"),
    }
}

async fn page(address: SocketAddr) -> Result<StatusCode> {
    let mut http = Http::open(address, HeaderMap::new()).await?;
    Ok(http.get("/sign-in").await?.status)
}
