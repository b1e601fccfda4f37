//! Connections without sockets, in this process: the whole way a client's bytes go, from hyper and
//! the upgrade to the frames of the answer, over a pipe in memory instead of TCP.

use anyhow::{Context as _, Result};
use axum::Router;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinSet;

use crate::wire::{TEXT, answer, frame, payload, upgrade};

/// Bytes that may be under way in each direction.
const ROOM: usize = 64 * 1024;

/// Who serves.
pub(crate) struct Site {
    app: Router,
    /// HTTP connections, until they are upgraded.
    serving: JoinSet<()>,
}

impl Site {
    pub(crate) fn new(app: Router) -> Self {
        Self {
            app,
            serving: JoinSet::new(),
        }
    }

    /// A connection that is upgraded and has shaken hands.
    pub(crate) async fn open(&mut self, path: &str, handshake: &str) -> Result<Pipe> {
        let (ours, theirs) = duplex(ROOM);
        let service = TowerToHyperService::new(self.app.clone());
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(theirs), service)
            .with_upgrades();
        self.serving.spawn(async move {
            // Its end shows in the pipe.
            let _ = connection.await;
        });
        let mut pipe = Pipe {
            stream: ours,
            unread: Vec::new(),
        };
        pipe.stream.write_all(upgrade(path, "").as_bytes()).await?;
        let head = pipe.until(answer).await?;
        pipe.unread.drain(..head);
        pipe.send(&frame(TEXT, handshake.as_bytes())).await?;
        pipe.receive().await?;
        Ok(pipe)
    }
}

/// One client.
pub(crate) struct Pipe {
    stream: DuplexStream,
    unread: Vec<u8>,
}

impl Pipe {
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// The payload of the next frame.
    pub(crate) async fn receive(&mut self) -> Result<Vec<u8>> {
        let whole = self.until(payload).await?;
        let bytes = self.unread.get(whole.clone()).unwrap_or_default().to_vec();
        self.unread.drain(..whole.end);
        Ok(bytes)
    }

    /// Exactly so many bytes, when nothing is left of what came before.
    pub(crate) async fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        debug_assert!(self.unread.is_empty(), "something was left");
        self.stream.read_exact(bytes).await?;
        Ok(())
    }

    async fn until<T>(&mut self, whole: impl Fn(&[u8]) -> Option<T>) -> Result<T> {
        loop {
            if let Some(found) = whole(&self.unread) {
                return Ok(found);
            }
            let read = self.stream.read_buf(&mut self.unread).await?;
            (read > 0).then_some(()).context("the server hung up")?;
        }
    }
}
