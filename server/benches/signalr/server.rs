//! A measured process: this program again, serving the hub or its twin over TCP. Both have the same
//! runtime (tokio's own default, a worker per core), allocator and socket options.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::serve::ListenerExt as _;
use axum::{Json, Router, routing::get};
use tokio::net::TcpListener;

use crate::{app, heap, wire::Socket};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Hub,
    Twin,
}

/// Killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// `counting`: with the allocator's counters on.
    pub(crate) fn start(who: Who, counting: bool) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--be", if who == Who::Hub { "hub" } else { "twin" }]);
        if counting {
            command.args(["--count", "0"]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let said = child.stdout.take().context("the server says nothing")?;
        BufReader::new(said).read_line(&mut line)?;
        Ok(Self {
            address: line.trim().parse().context("the server's address")?,
            child,
        })
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> Result<f64> {
        benches::resident::resident(self.child.id())
    }

    /// Processor time of all its threads so far.
    pub(crate) fn worked(&self) -> Result<Duration> {
        let mut sum = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // In nanoseconds, where `stat` has hundredths of a second.
            let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            let first = text.split(' ').next().and_then(|text| text.parse().ok());
            sum += first.unwrap_or(0_u64);
        }
        Ok(Duration::from_nanos(sum))
    }

    pub(crate) fn worked_since(&self, before: Duration) -> Result<Duration> {
        Ok(self.worked()?.saturating_sub(before))
    }

    /// Live allocations by size.
    pub(crate) fn live(&self) -> Result<std::collections::BTreeMap<usize, i64>> {
        let mut socket = Socket::connect(self.address)?;
        let answer = socket.ask("GET /heap HTTP/1.1\r\nhost: bench\r\n\r\n")?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no body")?;
        Ok(serde_json::from_str(body)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until standard input ends: it does not outlive whoever started it. `counting`: the size of
/// allocations that are traced, 0 for none.
pub(crate) fn main(who: Who, counting: Option<usize>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(who, counting))
}

async fn serve(who: Who, counting: Option<usize>) -> Result<()> {
    if let Some(traced) = counting {
        heap::count(traced);
    }
    let router: Router = match who {
        Who::Hub => app::hub().0,
        Who::Twin => app::twin().0,
    };
    let router = router.route("/heap", get(|| async { Json(heap::live()) }));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?);
    // Without it the answer of a round trip would wait for the acknowledgement of the one before.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let parent = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        served = axum::serve(listener, router).into_future() => Ok(served?),
        _ = parent => Ok(()),
    }
}
