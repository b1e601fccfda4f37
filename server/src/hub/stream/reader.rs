//! The body of the response: reads the queue, keeps the socket busy, and ends the connection when it
//! is dropped.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use tokio::time::{Duration, Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::event::{KEEP_ALIVE, retry};
use super::queue::{Batch, Stream};
use crate::hub::client::Client;
use crate::hub::workflow::Shared;

/// Proxies end what is silent for longer than a minute, mostly; SignalR pings as often.
const EVERY: Duration = Duration::from_secs(15);

/// Owned by the body alone.
pub(super) struct Reader {
    shared: Arc<Shared>,
    client: Arc<Client>,
    pieces: Pieces,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, client: Arc<Client>, stream: Arc<Stream>) -> Self {
        let pieces = Pieces::new(stream, shared.stopping.clone());
        Self {
            shared,
            client,
            pieces,
        }
    }

    pub(super) fn into_body(self) -> axum::body::Body {
        let pieces = stream::unfold(self, |mut reader| async move {
            let piece = reader.next().await?;
            Some((Ok::<_, Infallible>(piece), reader))
        });
        axum::body::Body::from_stream(pieces)
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let Batch { bytes, writable } = self.pieces.next().await?;
            if writable && self.client.drained() {
                self.shared.pager.ask(self.client.clone());
            }
            if !bytes.is_empty() {
                return Some(bytes);
            }
        }
    }
}

/// The client is gone, or all was said.
impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.leave(&self.client);
    }
}

/// What is written, piece by piece.
struct Pieces {
    stream: Arc<Stream>,
    /// The process stops.
    stopping: CancellationToken,
    /// Written before anything else.
    first: Option<Bytes>,
    silent: Interval,
}

impl Pieces {
    fn new(stream: Arc<Stream>, stopping: CancellationToken) -> Self {
        let mut silent = interval(EVERY);
        silent.set_missed_tick_behavior(MissedTickBehavior::Delay);
        silent.reset();
        Self {
            first: Some(retry(&stream.facts.id)),
            stream,
            stopping,
            silent,
        }
    }

    /// `None`: it is over.
    async fn next(&mut self) -> Option<Batch> {
        if let Some(first) = self.first.take() {
            return Some(Batch::from(first));
        }
        loop {
            tokio::select! {
                biased;
                batch = self.stream.take() => {
                    self.silent.reset();
                    return batch;
                }
                () = self.stopping.cancelled(), if !self.stream.is_closed() => {
                    self.stream.close(None, true);
                }
                _ = self.silent.tick() => return Some(Batch::from(KEEP_ALIVE)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::super::queue::tests::stream;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_stream_says_every_15_s_that_it_lives() {
        let stream = Arc::new(stream());
        let mut pieces = Pieces::new(stream.clone(), CancellationToken::new());
        let first = pieces.next().await.unwrap().bytes;
        assert!(first.starts_with(b"retry: "), "{first:?}");
        let begun = Instant::now();
        for round in 1..=2 {
            assert_eq!(pieces.next().await.unwrap().bytes, KEEP_ALIVE);
            assert_eq!(begun.elapsed(), EVERY * round);
        }
        tokio::time::advance(Duration::from_secs(10)).await;
        stream.try_send("one".into()).unwrap();
        assert_eq!(pieces.next().await.unwrap().bytes, "one");
        assert_eq!(pieces.next().await.unwrap().bytes, KEEP_ALIVE);
        assert_eq!(begun.elapsed(), EVERY * 3 + Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_process_stops_all_is_said_and_the_client_may_come_back() {
        let stream = Arc::new(stream());
        let stopping = CancellationToken::new();
        let mut pieces = Pieces::new(stream.clone(), stopping.clone());
        pieces.next().await;
        stream.try_send("one".into()).unwrap();
        stopping.cancel();
        assert_eq!(pieces.next().await.unwrap().bytes, "one");
        let last = pieces.next().await.unwrap().bytes;
        assert_eq!(
            last,
            "event: end-of-stream\ndata: {\"reason\":null,\"reconnect\":true}\n\n"
        );
        assert!(pieces.next().await.is_none());
    }
}
